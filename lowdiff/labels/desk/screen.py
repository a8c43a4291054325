"""A last look at a prediction before it leaves the house."""

from collections.abc import Mapping, Sequence
from typing import Any

from label_studio_sdk.label_interface.interface import LabelInterface

from lowdiff.errors import ContractError, InputError
from lowdiff.labels.desk.tasks import Form, to_result
from lowdiff.labels.schema import Schema


class Screen:
    """A labeling screen, asked offline whether a prediction fits it."""

    def __init__(self, config: str) -> None:
        self._interface: Any = LabelInterface(config)

    def complaints(self, result: Sequence[Mapping[str, Any]]) -> list[str]:
        """What Label Studio's own rules find wrong with the items of a prediction."""
        prediction = {"model_version": "check", "score": 0.0, "result": list(result)}
        return [
            str(complaint)
            for complaint in self._interface.validate_prediction(prediction, return_errors=True)
        ]


def filled_in(
    image_id: str, schema: Schema, form: Form, size: tuple[int, int], screen: str
) -> list[dict[str, Any]]:
    """The prediction's items, checked by the schema.

    Args:
        size: width and height in pixels of the picture that people see.
        screen: `form` or `text`.

    Raises:
        ContractError: a value or a rectangle does not fit the schema.
    """
    try:
        return to_result(schema, form, width_px=size[0], height_px=size[1], screen=screen)
    except InputError as error:
        raise _disagrees(image_id, schema, str(error)) from error


def checked_result(
    image_id: str, schema: Schema, form: Form, size: tuple[int, int], screen: str, rules: Screen
) -> list[dict[str, Any]]:
    """The same, checked by Label Studio's rules too: the server takes nonsense without a word."""
    result = filled_in(image_id, schema, form, size, screen)
    found = "; ".join(rules.complaints(result))
    if found:
        raise _disagrees(image_id, schema, found)
    return result


def _disagrees(image_id: str, schema: Schema, found: str) -> ContractError:
    return ContractError(
        image_id,
        f"its draft does not fit the label schema {schema.version}",
        reason="draft_disagrees",
        found=found,
        do="Draft again with `lowdiff draft`, or mend labeling/schema.toml.",
    )
