"""All settings of the three entries. Section numbers are those of the README."""

from dataclasses import dataclass
from typing import Literal

from bench import require_between

Reference = Literal["exemplar", "class_mean"]


@dataclass(frozen=True)
class CommonConfig:
    """What all three entries have."""

    # Training (section 6)
    width: int = 32  # channels of the first stage of the conv net; the others have twice as many
    batch_size: int = 64
    lr: float = 1e-3  # of Adam, times 0.3 after 0.8 and after 0.9 of the steps
    lr_warmup: float = 0.0  # share of the steps over which it rises from 0
    mixup_weight: float = 1.0  # w_m
    mixup_alpha: float = 1.0  # of Beta(alpha, alpha)

    # Sampling (section 4)
    mh: bool = True  # whether steps are tested; without, it is the sampler of the official release
    kappa: float = 0.0  # of the soft box |x| <= 1; 10 if pixels run away

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings."""
        require_between(self, 1, float("inf"), "width", "batch_size")
        require_between(self, 0, 1, "lr_warmup")
        require_between(self, 0, float("inf"), "lr", "mixup_weight", "kappa")
        if self.mixup_alpha <= 0:
            raise ValueError(f"mixup_alpha: expected a positive value, got {self.mixup_alpha}")


@dataclass(frozen=True)
class SticConfig(CommonConfig):
    """What can be set of `stic`, and every default."""

    # The classifier (section 2)
    backbone: str = "conv"  # the small net of this plugin, wrn-DEPTH-WIDTH without norm layers, or a timm model
    norm: Literal["group", "layer", "none", "batch"] = "group"  # of a timm model; batch is refused
    shift: int = 0  # real images are moved by up to this many pixels, reflected at the edges
    flip: bool = False  # mirror half of the real images
    input_noise: float = 0.05  # standard deviation, on [-1, 1]
    optimizer: Literal["adam", "muon"] = "adam"  # muon: for kernels and hidden matrices, try lr=0.01

    # Fakes (sections 3 and 5)
    fake_loss: Literal["contrast", "k_plus_1", "margin"] = "contrast"
    fake_weight: float = 0.5  # w_f; 0: the classifier never sees what it draws
    logit_weight: float = 0.01  # w_r, of the squared logits of real images and fakes
    margin: float = 1.0  # m of fake_loss=margin
    fake_batch: int = 64  # fakes a step
    soft_share: float = 0.25  # of the fakes and of the store: drawn for two classes at a time
    refresh: Literal["step", "pass"] = "step"  # whether the store advances at every step or is drawn anew for a pass
    passes: int = 10  # of refresh=pass
    store_size: int = 1_000  # a larger one is advanced too seldom to follow the classifier
    restart: float = 0.03  # share of the fakes of a step that begin on a blank canvas again

    # The sampler (section 4)
    energy: Literal["logit", "logprob"] = "logit"  # what is climbed
    eps: float = 0.5  # drift along the gradient of the energy
    sigma: float = 0.02  # noise of a step, on [-1, 1]
    steps: int = 3  # of a fake between two steps of the optimizer
    warmup: int = 40  # first steps of a chain, not tested
    blank_steps: int = 100  # of a sample, from its blank canvas: as old as fakes become between two restarts

    # The Gram term (section 4)
    gamma: float = 0.1  # its weight; `calibrate` finds the one at which samples are as real images are
    reference: Reference = "class_mean"
    exemplars: int = 8  # real images of each class that are kept for reference=exemplar
    mean_decay: float = 0.99  # of the running means for reference=class_mean

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings."""
        super().__post_init__()
        require_between(
            self, 1, float("inf"), "fake_batch", "passes", "store_size", "steps", "blank_steps", "exemplars"
        )
        require_between(self, 0, 1, "soft_share", "restart", "mean_decay")
        names = ("shift", "input_noise", "fake_weight", "logit_weight", "warmup", "gamma")
        require_between(self, 0, float("inf"), *names)
        if self.eps <= 0 or self.sigma <= 0:
            raise ValueError(f"eps and sigma: expected positive values, got {self.eps} and {self.sigma}")


@dataclass(frozen=True)
class AttentiveConfig(SticConfig):
    """The additional settings of `stic-attentive`."""

    draw_passes: int = 10  # of a drawing, each under an attention mask of its own
    mask_floor: float = 0.1  # the least of a mask, whose greatest is 1
    damp: float = 0.0  # how much a mask is lowered at the places of the earlier passes of the drawing; try 0.5
    confused: int = 5  # half of the images are mixed with one of this many whose class theirs is most often taken for
    looks: int = 8  # attention maps of real images of each class that are kept

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings."""
        super().__post_init__()
        require_between(self, 1, float("inf"), "draw_passes", "confused", "looks")
        require_between(self, 0, 1, "damp")
        if not 0 < self.mask_floor <= 1:
            raise ValueError(f"mask_floor: expected a value in (0, 1], got {self.mask_floor}")


@dataclass(frozen=True)
class ScoreConfig(CommonConfig):
    """What can be set of `stic-score` besides what is common."""

    # Training
    batch_size: int = 32
    lr: float = 2e-3
    levels: int = 14  # L
    sigma_first: float = 10.0  # standard deviation of the noise of level 1, on [-1, 1]
    sigma_last: float = 0.02  # of level L; between them geometric
    denoiser_width: int = 16  # channels of the finest maps of the denoiser; up to four times as many at coarser ones
    denoise_share: float = 0.5  # of the training, at first, in which u learns as a plain denoiser
    score_weight: float = 10.0  # beta times the number of pixel values
    ema: float = 0.999  # decay of the moving average of the weights, which draws and classifies
    fake_weight: float = 0.0  # w_f of the contrast at level L; 0.1 turns it on
    fake_batch: int = 64
    restart: float = 0.05
    store_size: int = 1_000  # of the fakes, where fake_weight is not 0
    steps: int = 6  # of a fake between two steps of the optimizer

    # Sampling
    eps: float = 0.15  # drift at level i, over sigma_i^2
    level_steps: int = 5  # of a drawing at each level
    guidance: float = 20.0  # how many times the log-probability of the class counts in what is sampled
    gamma: float = 0.0  # of the Gram term, times sigma_i at level i
    mean_decay: float = 0.99

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings."""
        super().__post_init__()
        require_between(self, 2, float("inf"), "levels")
        names = ("denoiser_width", "fake_batch", "store_size", "steps", "level_steps")
        require_between(self, 1, float("inf"), *names)
        require_between(self, 0, 1, "restart", "mean_decay", "ema", "denoise_share")
        require_between(self, 0, float("inf"), "score_weight", "fake_weight", "gamma", "guidance")
        if not 0 < self.sigma_last < self.sigma_first or self.eps <= 0:
            raise ValueError(
                f"expected 0 < sigma_last < sigma_first and eps > 0, got {self.sigma_last}, {self.sigma_first} and {self.eps}"
            )
