"""What the sizes of images and of networks must agree on."""

from dcgan.errors import UserError


def doublings(image_size: int) -> tuple[int, int]:
    """Split an image size into base·2^L: return (base, L), base in 4..7, L ≥ 1.

    The base is where the generator starts and the discriminator ends. 32 = 4·2³, 28 = 7·2².

    Raises:
        UserError: `image_size` is not of that form.
    """
    base, num_blocks = image_size, 0
    while base > 7 and base % 2 == 0:
        base, num_blocks = base // 2, num_blocks + 1
    if num_blocks < 1 or not 4 <= base <= 7:
        sizes = sorted(b * 2**level for b in range(4, 8) for level in range(1, 10))
        nearest = sorted(sorted(sizes, key=lambda size: abs(size - image_size))[:2])
        raise UserError(
            f"image_size={image_size}: must be base·2^L with base 4, 5, 6 or 7 and L at least 1;"
            f" the nearest are {nearest[0]} and {nearest[1]}"
        )
    return base, num_blocks
