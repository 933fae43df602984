package tvm.mnv3;

import androidx.annotation.NonNull;
import androidx.annotation.Nullable;

/** One class of a picture. */
public final class Result {
    private final int index;
    private final float score;
    @Nullable private final String label;

    Result(int index, float score, @Nullable String label) {
        this.index = index;
        this.score = score;
        this.label = label;
    }

    /** The number of the class. */
    public int getIndex() {
        return index;
    }

    /** Its probability by softmax. */
    public float getScore() {
        return score;
    }

    /** Its label; null where the classifier has no labels. */
    @Nullable
    public String getLabel() {
        return label;
    }

    @NonNull
    @Override
    public String toString() {
        return (label == null ? "class " + index : label) + " " + score;
    }
}
