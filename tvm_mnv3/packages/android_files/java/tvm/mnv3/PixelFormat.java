package tvm.mnv3;

/** Layouts of 8-bit pixels; alpha is ignored. */
public enum PixelFormat {
    RGB,
    BGR,
    /** A {@code Bitmap} of {@code ARGB_8888}, as {@code copyPixelsToBuffer} gives it. */
    RGBA,
    /** {@code int} pixels 0xAARRGGBB in memory, as {@code Bitmap.getPixels} gives them. */
    BGRA,
    /** A camera's: rows of Y, then rows of V and U in turn for every 2x2 pixels, full range. */
    NV21
}
