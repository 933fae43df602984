package com.example.recognise

import android.app.Activity
import android.content.Intent
import android.graphics.BitmapFactory
import android.net.Uri
import android.os.Bundle
import android.widget.Button
import android.widget.LinearLayout
import android.widget.TextView
import java.util.concurrent.Executors

/** One button that picks a picture, and a text with what is on it. */
class MainActivity : Activity() {
    // The model runs off the main thread; one thread uses one classifier.
    private val worker = Executors.newSingleThreadExecutor()
    private lateinit var answer: TextView
    private var recogniser: Recogniser? = null

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        answer = TextView(this)
        val pick = Button(this).apply {
            setText(R.string.pick)
            setOnClickListener {
                startActivityForResult(Intent(Intent.ACTION_GET_CONTENT).setType("image/*"), PICK)
            }
        }
        setContentView(LinearLayout(this).apply {
            orientation = LinearLayout.VERTICAL
            addView(pick)
            addView(answer)
        })
        worker.execute { recogniser = assets.open("tvm_mnv3/$MODEL.labels.txt").use(::Recogniser) }
    }

    @Deprecated("Deprecated in Java")
    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        super.onActivityResult(request, result, data)
        val picture = data?.data
        if (request == PICK && result == RESULT_OK && picture != null) worker.execute { show(picture) }
    }

    private fun show(picture: Uri) {
        val bitmap = contentResolver.openInputStream(picture).use(BitmapFactory::decodeStream) ?: return
        val pixels = IntArray(bitmap.width * bitmap.height)
        bitmap.getPixels(pixels, 0, bitmap.width, 0, 0, bitmap.width, bitmap.height)
        val lines = recogniser?.recognise(pixels, bitmap.width, bitmap.height).orEmpty()
        runOnUiThread { answer.text = lines.joinToString("\n") }
    }

    override fun onDestroy() {
        worker.execute { recogniser?.close() }
        worker.shutdown()
        super.onDestroy()
    }

    private companion object {
        const val PICK = 1
    }
}
