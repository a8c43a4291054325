"""Flow: new labels in, the next dataset version, and a model that goes on from the last one."""

from typing import Any

from prefect import flow

from flows.evaluate_run import evaluate_run
from flows.export_dataset import export_dataset
from flows.label_round import label_round
from flows.support import main, workspace_path
from flows.train_unet import train_unet
from flows.train_vae import train_vae
from flows.write_report import write_report
from lowdiff.cli.output import say
from lowdiff.ops.project import open_project
from lowdiff.ops.retrain import changes_since, figures_of, in_words, newest_model


@flow(name="retrain-models")
def retrain_models(
    vae: bool = False,
    preset: str | None = None,
    prompts: int = 64,
    workspace: str | None = None,
) -> dict[str, Any]:
    """A round of labeling, export, train on, evaluate; nothing changed, nothing trained.

    Args:
        vae: train the autoencoder too; the denoiser then starts anew in the new latent space.
        preset: default: the newest model's.
        prompts: held-out captions that the evaluation draws.
    """
    folder = workspace_path(workspace)
    labeled = label_round(workspace)
    pulled = labeled["pulled"]
    say(
        f"pulled {pulled['annotations']} annotations: {pulled['confirmed']} fields confirmed, "
        f"{pulled['corrected']} corrected"
    )
    if labeled["redrafted"] is not None:
        say(f"learned from them: {labeled['redrafted']} images have other drafts")
    dataset = export_dataset(workspace)
    with open_project(folder) as project:
        last = newest_model(project)
        if last is not None:
            diff = changes_since(project, last.dataset_digest)
    if last is not None:
        for line in in_words(diff):
            say(line)
        if last.dataset_digest == dataset["digest"] and not vae:
            say(f"{last.run_id} has seen all of it: nothing to train")
            return {"trained": False, "dataset": dataset, "run": last.run_id, "pulled": pulled}
    result = _train(dataset, last, vae=vae, preset=preset, prompts=prompts, workspace=workspace)
    result["pulled"] = pulled
    result["changes"] = diff.summary() if last is not None else None
    return result


def _train(
    dataset: dict[str, Any],
    last: Any,
    *,
    vae: bool,
    preset: str | None,
    prompts: int,
    workspace: str | None,
) -> dict[str, Any]:
    name = preset or (last.preset if last else "demo")
    number = dataset["version"]
    before = evaluate_run(last.run_id, prompts, workspace) if last else None
    if last is None or vae:
        say("training the VAE anew; the U-Net starts in its new latent space")
        vae_run, parent = train_vae(name, number, workspace)["run"], None
    else:
        say(f"going on from {last.run_id} in the latent space of {last.vae_run_id}")
        vae_run, parent = last.vae_run_id, last.run_id
    unet = train_unet(name, number, vae_run, parent, workspace)
    evaluation = evaluate_run(unet["run"], prompts, workspace)
    _say_figures(before, evaluation)
    report = write_report(workspace)
    say(f"report: {report}")
    return {
        "trained": True,
        "dataset": dataset,
        "run": unet["run"],
        "parent": parent,
        "vae": vae_run,
        "verdict": evaluation["verdict"],
        "report": report,
    }


def _say_figures(before: dict[str, Any] | None, after: dict[str, Any]) -> None:
    for line in figures_of(before, after):
        say(line)
    verdict = after["verdict"]
    say(f"verdict: {verdict['decision']}; {'; '.join(verdict['reasons'])}")


if __name__ == "__main__":
    main(retrain_models)
