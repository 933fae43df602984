import java.awt.image.BufferedImage;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import javax.imageio.ImageIO;
import tvm.mnv3.Classifier;
import tvm.mnv3.Options;
import tvm.mnv3.Result;

/**
 * A JPEG in, its five best classes out: what an Android app does, on a desktop's JVM. On Android a Bitmap gives the pixels
 * ({@code bitmap.getPixels}), and the AssetManager the labels; all the rest is the same.
 *
 * <pre>java -cp classes.jar:. -Djava.library.path=FOLDER_OF_LIBRARIES Classify MODEL LABELS PICTURE.jpg ...</pre>
 */
public final class Classify {
    public static void main(String[] arguments) throws IOException {
        Options options = new Options();
        try (InputStream labels = new FileInputStream(arguments[1])) {
            options.labels(labels);
        }
        try (Classifier classifier = Classifier.open(arguments[0], options)) {
            for (String path : Arrays.asList(arguments).subList(2, arguments.length)) {
                BufferedImage image = ImageIO.read(new File(path));
                int width = image.getWidth();
                int height = image.getHeight();
                int[] pixels = image.getRGB(0, 0, width, height, null, 0, width);
                for (Result result : classifier.classify(pixels, width, height, 5)) {
                    System.out.printf(
                            "%6.2f%%  %4d  %s%n", 100.0 * result.getScore(), result.getIndex(), result.getLabel());
                }
            }
        }
    }
}
