"""The script that examples/huggingface.py was made from.

python examples/plain/huggingface.py
"""

import torch
from sklearn.datasets import load_digits
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments


def texts():
    """Digits as sentences: 64 words of 17, the grey values. Nothing is downloaded."""
    x, y = load_digits(return_X_y=True)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0)).tolist()
    rows = [{"input_ids": x[row].astype(int), "labels": int(y[row])} for row in order]
    return rows[360:], rows[:360]


def accuracy(scored):
    return {"accuracy": (scored.predictions.argmax(axis=1) == scored.label_ids).mean()}


def train(config):
    size = {"hidden_size": 64, "intermediate_size": 128, "max_position_embeddings": 64}
    layers = {"num_hidden_layers": config["layers"], "num_attention_heads": 4}
    made = BertConfig(vocab_size=17, num_labels=10, **size, **layers)
    options = {"eval_strategy": "epoch", "save_strategy": "no", "report_to": "none"}
    options |= {"learning_rate": config["lr"], "per_device_train_batch_size": 32}
    options |= {"use_cpu": True, "disable_tqdm": True}
    arguments = TrainingArguments("out", num_train_epochs=9, **options)
    model, (learn, judge) = BertForSequenceClassification(made), texts()
    trainer = Trainer(model, arguments, None, learn, judge, compute_metrics=accuracy)
    trainer.train()


if __name__ == "__main__":
    train({"layers": 1, "lr": 1e-3})
