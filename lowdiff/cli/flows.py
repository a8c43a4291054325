"""`lowdiff demo` and `lowdiff retrain`: the commands that run a flow over many rooms."""

from typing import Annotated, Any

import typer

from lowdiff.cli.output import AsJson, messages, say

Count = Annotated[int, typer.Option("--count", min=24, help="How many graphics to bring.")]
Preset = Annotated[str, typer.Option("--preset", help="Preset of the models: demo, tiny.")]
Prompts = Annotated[int, typer.Option("--prompts", min=1, help="Held-out captions to draw.")]


def demo(
    count: Count = 1500, preset: Preset = "demo", prompts: Prompts = 64, as_json: AsJson = False
) -> None:
    """Run the whole road on OpenMoji graphics: ingest, read, label, export, train, report.

    Interrupt it at any time: the same command goes on where it stopped.

    Example: `lowdiff demo --count 400`
    """
    _run("run_demo", {"count": count, "preset": preset, "prompts": prompts}, as_json=as_json)


def retrain(
    vae: Annotated[
        bool, typer.Option("--vae", help="Train the VAE too; the U-Net starts anew.")
    ] = False,
    preset: Annotated[
        str | None, typer.Option(help="Preset of the models; default: the newest model's.")
    ] = None,
    prompts: Prompts = 64,
    as_json: AsJson = False,
) -> None:
    """Pull new labels; when anything changed, export the next version and train on from there.

    The U-Net goes on from the newest weights in the latent space of the unchanged VAE.

    Example: `lowdiff retrain`
    """
    _run("retrain_models", {"vae": vae, "preset": preset, "prompts": prompts}, as_json=as_json)


def _run(flow: str, parameters: dict[str, Any], *, as_json: bool) -> None:
    from lowdiff.ops.checkout import run_flow
    from lowdiff.ops.project import open_project
    from lowdiff.ops.services import prefect_api_url, up

    with open_project() as project:
        if project.settings.prefect_api_url is None:
            with messages.status("starting Prefect and Label Studio …"):
                up(project.settings, project.workspace, say=say)
        api = prefect_api_url(project.settings, project.workspace)
        root = project.workspace.root
    code = run_flow(flow, parameters, workspace=root, prefect_api=api, as_json=as_json)
    if code != 0:
        raise typer.Exit(code)
