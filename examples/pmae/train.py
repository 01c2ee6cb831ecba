"""Trains a tiny ViT with the loss of PMAE on what `tamis run examples/pmae/recipe.yaml` published.

usage: train.py OUT PCA [--epochs 6] [--batch 64] [--steps N] [--seed 0]

Every sample brings its mask, coefficients and visible image. Epoch 0 uses them as they are; for later epochs the masks
are drawn again by NumPy (tamis_masks.py) and the visible images follow from z = visible + (masked coefficients) V.
The input is x_vis, the target z_M, and the loss the mean of (y V_M - z_M)^2 over the masked components. Images are not
augmented here: coefficients belong to the stored pixels (a crop or a flip needs new ones).
"""
import argparse
import time

import numpy as np
import torch
from torch import nn

import shards
from tamis_masks import Basis, Masks


class TinyViT(nn.Module):
    """Patches in, patches out; all patches are seen, as masks hide components instead."""

    def __init__(self, side, patch=4, width=96, depth=4, heads=4):
        super().__init__()
        self.patch, self.count = patch, side // patch
        self.embed = nn.Conv2d(3, width, patch, stride=patch)
        self.position = nn.Parameter(0.02 * torch.randn(1, self.count**2, width))
        layer = nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 3 * patch * patch))

    def forward(self, images):
        """(n, 3, S, S) -> (n, D)."""
        tokens = self.embed(images).flatten(2).transpose(1, 2) + self.position
        patches = self.head(self.blocks(tokens))
        n, s, p = len(images), self.count, self.patch
        return patches.reshape(n, s, s, 3, p, p).permute(0, 3, 1, 4, 2, 5).reshape(n, -1)


def load(directory):
    """Keys, masks of epoch 0, coefficients and visible images of every sample."""
    samples = list(shards.samples(directory))
    count = len(samples[0]["coefficients.npy"])
    return (
        [sample["__key__"].encode() for sample in samples],
        np.stack([Masks.unpack(sample["mask.npy"], count) for sample in samples]),
        np.stack([sample["coefficients.npy"] for sample in samples]).astype(np.float32),
        np.stack([sample["visible.npy"] for sample in samples]).astype(np.float32),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("pca")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, help="stop after so many steps")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.manual_seed(options.seed)

    basis = Basis(options.pca)
    manifest = shards.manifest(options.out)
    assert manifest["basis"] == basis.sha256, "the shards belong to another basis"
    masks = Masks(manifest["mask"], basis.ratios)
    keys, published, coefficients, visible = load(options.out)
    again = np.stack([masks.draw(masks.key(key, i))[0] for i, key in enumerate(keys)])
    assert np.array_equal(again, published)
    print(f"{len(keys)} samples, {len(basis.ratios)} components; masks drawn again by NumPy equal the published ones")

    v = basis.converted(torch.from_numpy)
    z = torch.from_numpy(visible.reshape(len(keys), -1) + basis.pixels(coefficients * published))
    c = torch.from_numpy(coefficients)
    model = TinyViT(basis.mean.shape[-1])
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, betas=(0.9, 0.95), weight_decay=0.05)
    order = np.random.default_rng(options.seed)
    step, start, means = 0, time.time(), []
    for epoch in range(options.epochs):
        drawn = published if epoch == 0 else np.stack([masks.draw(masks.key(k, i), epoch)[0] for i, k in enumerate(keys)])
        hidden = torch.from_numpy(drawn.astype(np.float32))
        losses, nothing = [], []
        for rows in np.array_split(order.permutation(len(keys)), max(1, len(keys) // options.batch)):
            m, target = hidden[rows], c[rows] * hidden[rows]
            images = (z[rows] - v.pixels(target)).reshape(-1, *basis.mean.shape)
            error = (v.coefficients(model(images)) * m - target) ** 2
            loss = (error.sum(1) / m.sum(1)).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
            nothing.append(((target**2).sum(1) / m.sum(1)).mean().item())
            step += 1
            if step == options.steps:
                break
        means.append(np.mean(losses) / np.mean(nothing))
        print(
            f"epoch {epoch}: loss {np.mean(losses):.3f}, {means[-1]:.3f} of that of predicting 0"
            f"  ({step} steps, {time.time() - start:.0f} s)",
            flush=True,
        )
        if step == options.steps:
            break
    if len(means) > 1:
        print("the loss fell" if means[-1] < means[0] else "the loss did not fall")
        raise SystemExit(0 if means[-1] < means[0] else 1)


main()
