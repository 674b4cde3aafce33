import java.io.FileInputStream;
import java.io.InputStream;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Set;

/** Reads a PEM root and a PEM leaf, and says whether Java's PKIX validator would believe them. */
public class Verify {
    static X509Certificate certificate(CertificateFactory factory, String path) throws Exception {
        try (InputStream stream = new FileInputStream(path)) {
            return (X509Certificate) factory.generateCertificate(stream);
        }
    }

    public static void main(String[] arguments) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        X509Certificate root = certificate(factory, arguments[0]);
        X509Certificate leaf = certificate(factory, arguments[1]);
        // As Java's own trust store does it: an anchor's name constraints are not asked for.
        PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(root, null)));
        parameters.setRevocationEnabled(false);
        try {
            CertPathValidator.getInstance("PKIX").validate(
                factory.generateCertPath(List.of(leaf)), parameters);
            System.out.println("believed");
        } catch (CertPathValidatorException refusal) {
            System.out.println("refused: " + refusal.getMessage());
            System.exit(1);
        }
    }
}
