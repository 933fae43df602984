package tvm.mnv3;

import androidx.annotation.NonNull;
import androidx.annotation.Nullable;
import java.nio.ByteBuffer;

/** The functions of libtvm_mnv3_jni.so. A status is that of classifier.h. */
final class Native {
    static {
        System.loadLibrary("tvm_mnv3_jni");
    }

    private Native() {}

    /** A handle, or 0 and the status. */
    static native long create(
            @NonNull String model,
            @Nullable byte[] labels,
            int threads,
            int cores,
            int maxShortSide,
            @NonNull int[] status);

    static native int classifyBuffer(
            long handle,
            @NonNull ByteBuffer pixels,
            int offset,
            int size,
            int format,
            int width,
            int height,
            int stride,
            @NonNull int[] indices,
            @NonNull float[] scores);

    static native int classifyInts(
            long handle,
            @NonNull int[] pixels,
            int width,
            int height,
            int stride,
            @NonNull int[] indices,
            @NonNull float[] scores);

    static native int classifyBytes(
            long handle,
            @NonNull byte[] pixels,
            int format,
            int width,
            int height,
            int stride,
            @NonNull int[] indices,
            @NonNull float[] scores);

    /** Threads, CPUs (a bit each), classes, memory in bytes. */
    @NonNull
    static native long[] chosen(long handle);

    static native void destroy(long handle);

    @NonNull
    static native String statusText(int status);
}
