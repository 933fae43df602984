package tvm.mnv3;

/** Which cores the threads are kept to. */
public enum Cores {
    /** All but the slowest kind; all where there is one kind. */
    BIG,
    /** The slowest kind. */
    LITTLE,
    ALL
}
