package tvm.mnv3;

import androidx.annotation.NonNull;
import androidx.annotation.Nullable;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;

/** How a classifier is made. Every setter returns the same object. */
public final class Options {
    @Nullable byte[] labels;
    int threads;
    @NonNull Cores cores = Cores.BIG;
    int maxShortSide;

    /** UTF-8 text, one label a line, such as {@code context.getAssets().open("tvm_mnv3/NAME.labels.txt")}; read here. */
    @NonNull
    public Options labels(@NonNull InputStream text) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] part = new byte[8192];
        for (int count; (count = text.read(part)) >= 0; ) {
            all.write(part, 0, count);
        }
        labels = all.toByteArray();
        return this;
    }

    /** How many threads work, the caller's included; 0 (the default): one for each of the cores, but 4 at most. */
    @NonNull
    public Options threads(int count) {
        threads = count;
        return this;
    }

    /** Which cores the threads are kept to; by default the big ones. */
    @NonNull
    public Options cores(@NonNull Cores kind) {
        cores = kind;
        return this;
    }

    /** Of the pictures to come; 0 (the default): 8192. Memory grows with it. */
    @NonNull
    public Options maxShortSide(int pixels) {
        maxShortSide = pixels;
        return this;
    }
}
