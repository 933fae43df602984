package androidx.annotation;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;

/** Stands in for AndroidX's own while compiling; it is not shipped, and Kotlin reads the name in the class files. */
@Retention(RetentionPolicy.CLASS)
public @interface Nullable {}
