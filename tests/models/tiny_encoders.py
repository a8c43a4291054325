"""Text encoders of a few thousand random weights, saved as transformers saves them."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    CLIPTextConfig,
    CLIPTextModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
)

WORDS = ["<pad>", "<start>", "<unk>", "a", "red", "blue", "raccoon", "square", "<end>"]
END = WORDS.index("<end>")
SHAPE = {
    "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
    "vocab_size": len(WORDS), "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": END,
}  # fmt: skip


def saved_encoder(kind: str, folder: Path) -> Path:
    torch.manual_seed(0)
    if kind == "bert":
        model = BertModel(BertConfig(**SHAPE))
    elif kind == "roberta":
        model = RobertaModel(RobertaConfig(**SHAPE, max_position_embeddings=513))
    else:
        model = CLIPTextModel(CLIPTextConfig(**SHAPE))
    model.save_pretrained(folder)
    words = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="<start> $A <end>", special_tokens=[("<start>", 1), ("<end>", END)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", bos_token="<start>", eos_token="<end>",
        unk_token="<unk>",
    ).save_pretrained(folder)  # fmt: skip
    return folder
