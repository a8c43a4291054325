"""The model card of a run: what it is, what it learned from, how well, and what it cannot do."""

import json
from collections.abc import Mapping
from typing import Any

from lowdiff.training.origins import UNKNOWN

CARD_FILE = "README.md"


def model_card(
    config: Mapping[str, Any],
    summary: Mapping[str, Any],
    origins: Mapping[str, Any],
    environment: Mapping[str, Any],
) -> str:
    """The README.md of a finished run, in Markdown with the front matter of model hubs.

    Args:
        config: of the run, with its id.
        summary: its last figures.
        origins: see `origins.origins_of`.
        environment: what `environment.json` holds.
    """
    parts = [
        _front_matter(config, origins),
        f"# {config['run_id']}\n",
        _what(config, summary),
        "## Use\n\n" + _use(config),
        "## Training images\n\n" + _origins(origins),
        "## Training\n\n" + _training(config, summary, environment),
        "## Figures\n\n" + _figures(summary),
        "## Limits\n\n" + _limits(config, origins),
    ]
    return "\n".join(parts)


def _front_matter(config: Mapping[str, Any], origins: Mapping[str, Any]) -> str:
    task = "text-to-image" if config["kind"] == "unet" else "image-to-image"
    lines = {
        "library_name": "lowdiff",
        "pipeline_tag": task,
        "tags": ["lowdiff", "graphics"],
        "license": "other",
        "license_name": " and ".join(origins["licences"]) or UNKNOWN,
    }
    body = "\n".join(f"{key}: {json.dumps(value)}" for key, value in lines.items())
    return f"---\n{body}\n---\n"


def _what(config: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    millions = summary["parameters"] / 1e6
    if config["kind"] == "vae":
        return (
            f"An autoencoder of {millions:.1f} M parameters: pictures to latents and back. Preset "
            f"`{config['preset']}`, trained at {config['image_px']} pixels.\n"
        )
    objective = config["objective"]
    named = objective if isinstance(objective, str) else _named(objective)
    return (
        f"A text-to-image denoiser (`{config.get('arch', 'unet')}`, {millions:.1f} M parameters) "
        f"in the latent space of the autoencoder `{config['vae_run_id']}`. Preset "
        f"`{config['preset']}`, pictures of {config['image_px']} pixels"
        f"{' of any shape at that area' if config.get('buckets') else ''}; it learned to predict "
        f"{named}; captions are read by `{config['text_encoder']['name']}`.\n"
    )


def _named(objective: Mapping[str, Any]) -> str:
    return f"{objective['prediction']} on the path {objective['path']}"


def _use(config: Mapping[str, Any]) -> str:
    if config["kind"] == "vae":
        return f"```\nlowdiff train unet --vae {config['run_id']}\n```\n"
    return (
        f'```\nlowdiff generate "a raccoon" --run {config["run_id"]}\n'
        f"lowdiff export-model {config['run_id']} --format diffusers folder/\n```\n"
    )


def _origins(origins: Mapping[str, Any]) -> str:
    data = origins["dataset"]
    lines = [
        f"{origins['images']} images of {data['name']}, version {data['version']} (digest "
        f"`{data['digest']}`).\n",
    ]
    for title, key in (("licence", "licences"), ("source", "sources"), ("credit", "attributions")):
        lines += [f"| {title} | images |", "|---|---:|"]
        lines += [f"| {_cell(name)} | {count} |" for name, count in origins[key].items()]
        lines.append("")
    if origins["parent"]:
        theirs = origins["parent"]
        lines.append(
            f"It goes on from a run that learned from {theirs['images']} images under "
            f"{', '.join(theirs['licences'])}.\n"
        )
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _training(
    config: Mapping[str, Any], summary: Mapping[str, Any], environment: Mapping[str, Any]
) -> str:
    plan = config["train"]
    lines = [
        f"{summary['images_seen']:,} images seen in {summary['steps']:,} steps of "
        f"{plan['batch_size']}, {summary['train_s']:,.0f} seconds on "
        f"{environment.get('device_name', 'an unknown device')} ({environment.get('precision')}), "
        f"seed {config['seed']}, learning rate {plan['learning_rate']}; the weights are an average "
        f"of relative deviation {plan['ema_std']}."
    ]
    if "stopped_early" in summary:
        lines.append(f"It stopped early: {summary['stopped_early']}.")
    if config.get("parent_run_id"):
        lines.append(f"It started from the weights of `{config['parent_run_id']}`.")
    return "\n".join(lines) + "\n"


def _figures(summary: Mapping[str, Any]) -> str:
    hidden = ("steps", "images_seen", "train_s", "parameters", "stopped_early")
    rows = [f"| {k} | {v} |" for k, v in summary.items() if k not in hidden]
    return (
        "\n".join(["| figure | value |", "|---|---|", *rows])
        + "\n\n"
        + ("`evaluation.json`, where it is there, has more, with floors and ceilings.\n")
    )


def _limits(config: Mapping[str, Any], origins: Mapping[str, Any]) -> str:
    lines = [
        "- It knows what is in its training images and little else.",
        "- A small model trained long enough copies: look at the copy rate of its evaluation.",
    ]
    if config["kind"] == "unet":
        lines.append("- Words in pictures are rarely spelled right.")
    if UNKNOWN in origins["licences"]:
        count = origins["licences"][UNKNOWN]
        lines.append(f"- Nobody said the licence of {count} training images.")
    return "\n".join(lines) + "\n"
