package com.example.recognise

import java.io.InputStream
import tvm.mnv3.Classifier
import tvm.mnv3.Options

/** The model's prefix: libNAME.so is loaded, and assets/tvm_mnv3/NAME.labels.txt has the labels. */
const val MODEL = "mobilenet_v3_small"

/** What the app asks of the model. Nothing here needs Android, so it runs in a test on any machine. */
class Recogniser(labels: InputStream) : AutoCloseable {
    private val classifier = Classifier.open(MODEL, Options().labels(labels))

    /** Lines such as "92 % tench", best first. Pixels are 0xAARRGGBB, as Bitmap.getPixels gives them. */
    fun recognise(pixels: IntArray, width: Int, height: Int): List<String> =
        classifier.classify(pixels, width, height, 3).map { "${(100 * it.score).toInt()} % ${it.label ?: it.index}" }

    override fun close() = classifier.close()
}
