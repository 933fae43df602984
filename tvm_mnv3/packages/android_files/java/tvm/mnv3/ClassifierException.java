package tvm.mnv3;

import androidx.annotation.NonNull;

/** The native library refused; the message is its sentence. */
public final class ClassifierException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;

    ClassifierException(int status, @NonNull String sentence) {
        super(sentence);
        this.status = status;
    }

    /** The code of tvm_mnv3.h and classifier.h; -1 where the model's library cannot be loaded. */
    public int getStatus() {
        return status;
    }
}
