package tvm.mnv3;

import androidx.annotation.NonNull;
import androidx.annotation.Nullable;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Recognises pictures with a compiled model.
 *
 * <pre>{@code
 * try (Classifier classifier = Classifier.open("mobilenet_v3_small", new Options().labels(text))) {
 *     List<Result> best = classifier.classify(pixels, width, height, 5);
 * }
 * }</pre>
 *
 * <p>One call at a time uses a classifier: its methods wait for each other. Several classifiers, of one model or of
 * several, work at once and share the weights. Not on the main thread: a picture takes milliseconds.
 */
public final class Classifier implements AutoCloseable {
    private static final int LIBRARY_MISSING = -1;

    private long handle;
    @Nullable private final String[] labels;

    private Classifier(long handle, @Nullable String[] labels) {
        this.handle = handle;
        this.labels = labels;
    }

    /**
     * Opens a model of this app.
     *
     * @param model its name: libNAME.so is loaded
     * @throws ClassifierException the library is missing or broken, or an option or the labels are not usable
     */
    @NonNull
    public static Classifier open(@NonNull String model, @NonNull Options options) {
        int[] status = new int[1];
        long handle =
                Native.create(
                        model,
                        options.labels,
                        options.threads,
                        options.cores.ordinal(),
                        options.maxShortSide,
                        status);
        if (handle == 0 && status[0] == LIBRARY_MISSING) {
            throw new ClassifierException(
                    status[0], "lib" + model + ".so cannot be loaded; is that model in the app, for this machine?");
        }
        if (handle == 0) {
            throw failure(status[0]);
        }
        String[] labels = null;
        if (options.labels != null) {
            labels = new String(options.labels, StandardCharsets.UTF_8).split("\r?\n");
        }
        return new Classifier(handle, labels);
    }

    /** Pixels 0xAARRGGBB, as {@code Bitmap.getPixels} gives them, row by row without a gap. */
    @NonNull
    public synchronized List<Result> classify(@NonNull int[] pixels, int width, int height, int top) {
        int[] indices = new int[checked(top)];
        float[] scores = new float[top];
        return results(Native.classifyInts(opened(), pixels, width, height, 0, indices, scores), indices, scores);
    }

    /**
     * Pixels in a buffer, from its position to its limit; both stay as they are.
     *
     * @param stride bytes from a row to the next, or 0 where there is no gap
     */
    @NonNull
    public synchronized List<Result> classify(
            @NonNull ByteBuffer pixels, @NonNull PixelFormat format, int width, int height, int stride, int top) {
        if (!pixels.isDirect()) {
            byte[] copy = new byte[pixels.remaining()];
            pixels.duplicate().get(copy);
            return classify(copy, format, width, height, stride, top);
        }
        int[] indices = new int[checked(top)];
        float[] scores = new float[top];
        int status =
                Native.classifyBuffer(
                        opened(),
                        pixels,
                        pixels.position(),
                        pixels.remaining(),
                        format.ordinal(),
                        width,
                        height,
                        stride,
                        indices,
                        scores);
        return results(status, indices, scores);
    }

    /** The same from an array, such as a camera's NV21. */
    @NonNull
    public synchronized List<Result> classify(
            @NonNull byte[] pixels, @NonNull PixelFormat format, int width, int height, int stride, int top) {
        int[] indices = new int[checked(top)];
        float[] scores = new float[top];
        int status =
                Native.classifyBytes(
                        opened(), pixels, format.ordinal(), width, height, stride, indices, scores);
        return results(status, indices, scores);
    }

    /** What was chosen: threads, the CPUs that they are kept to, and memory. */
    @NonNull
    public synchronized String describe() {
        long[] chosen = Native.chosen(opened());
        return String.format("%d threads on CPUs 0x%x, %d classes, %d bytes", chosen[0], chosen[1], chosen[2], chosen[3]);
    }

    /** Gives threads and memory back. A second call does nothing. */
    @Override
    public synchronized void close() {
        if (handle != 0) {
            Native.destroy(handle);
            handle = 0;
        }
    }

    private long opened() {
        if (handle == 0) {
            throw new IllegalStateException("the classifier is closed");
        }
        return handle;
    }

    private static int checked(int top) {
        if (top < 1) {
            throw new IllegalArgumentException("top must be at least 1, not " + top);
        }
        return top;
    }

    @NonNull
    private static ClassifierException failure(int status) {
        return new ClassifierException(status, Native.statusText(status));
    }

    @NonNull
    private List<Result> results(int status, @NonNull int[] indices, @NonNull float[] scores) {
        if (status != 0) {
            throw failure(status);
        }
        List<Result> results = new ArrayList<>();
        for (int i = 0; i < indices.length && indices[i] >= 0; ++i) {
            results.add(new Result(indices[i], scores[i], labels == null ? null : labels[indices[i]]));
        }
        return Collections.unmodifiableList(results);
    }
}
