use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::alerts::cap::tree::read_tree;
use crate::alerts::cap::xml::decode;

const MESSAGE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\">\n  \
    <identifier>BR-1</identifier>\n  <sender>defesacivil@example.org</sender>\n  <sent>2026-02-23T21:40:00-03:00</sent>\n  \
    <status>Actual</status>\n  <msgType>Alert</msgType>\n  <scope>Public</scope>\n  <note>chuva &lt; 30 mm &amp; \"vento\"\r\n \
    coração 🌧 ]]&gt;</note>\n</alert>\n";

struct Made {
    key: Key,
    pem: String,
    public: String,
}

fn made(name: &str) -> Made {
    use rcgen::PublicKeyData as _;
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let der = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&pair).unwrap().der().to_vec();
    let public = pem("PUBLIC KEY", &pair.subject_public_key_info());
    Made { key: Key::open(name, &pair.serialize_der(), &der).unwrap(), pem: pem("CERTIFICATE", &der), public }
}

fn trusting(name: &str, pem: &str) -> Trusted {
    let mut trusted = Trusted::default();
    trusted.add_pem(name, pem).unwrap();
    trusted
}

fn by(text: &str, trusted: &Trusted) -> String {
    match verify(text, trusted) {
        Verification::Verified(verified) => verified.by,
        other => format!("{other:?}"),
    }
}

fn refused(text: &str, trusted: &Trusted) -> Refusal {
    match verify(text, trusted) {
        Verification::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn our_signature_holds_for_those_who_trust_the_key_and_for_nobody_else() {
    let made = made("town#1");
    let signed = sign(MESSAGE, &made.key).unwrap();
    assert_eq!(by(&signed, &trusting("Juiz de Fora", &made.pem)), "Juiz de Fora");
    assert_eq!(by(&signed, &trusting("Juiz de Fora", &made.public)), "Juiz de Fora");
    let stranger = self::made("town#1");
    assert!(matches!(refused(&signed, &trusting("x", &stranger.pem)), Refusal::Stranger { .. }));
    assert!(matches!(refused(&signed, &Trusted::default()), Refusal::Stranger { .. }));
    assert_eq!(verify(MESSAGE, &trusting("x", &made.pem)), Verification::Unsigned);
    // An older key and a newer one: both count as long as both are trusted.
    let mut both = trusting("new", &stranger.pem);
    both.add_pem("old", &made.pem).unwrap();
    assert_eq!(by(&signed, &both), "old");
}

#[test]
fn a_key_by_its_name_alone_is_enough() {
    let made = made("town#1");
    let signed = sign(MESSAGE, &made.key).unwrap();
    let (start, end) = (signed.find("<X509Data>").unwrap(), signed.find("</X509Data>").unwrap() + "</X509Data>".len());
    let named = format!("{}{}", &signed[..start], &signed[end..]);
    assert_eq!(by(&named, &trusting("town#1", &made.public)), "town#1");
    // Of a name that nobody bears every trusted key is tried.
    assert_eq!(by(&named, &trusting("another", &made.public)), "another");
    assert_eq!(refused(&named, &trusting("town#1", &self::made("x").public)), Refusal::NoKey);
}

#[test]
fn a_changed_letter_is_noticed_and_another_way_of_writing_the_same_is_not() {
    let made = made("town#1");
    let (signed, trusted) = (sign(MESSAGE, &made.key).unwrap(), trusting("town", &made.pem));
    for (from, to) in [
        ("<identifier>BR-1<", "<identifier>BR-2<"),
        ("</scope>\n", "</scope>\n<info/>\n"),
        ("coração", "coracao"),
        ("<scope>Public", "<scope> Public"),
    ] {
        assert_ne!(signed.replace(from, to), signed);
        assert_eq!(refused(&signed.replace(from, to), &trusted), Refusal::Changed, "{to}");
    }
    let same = signed
        .replace("<scope>", "<scope >")
        .replace("<identifier>BR-1", "<identifier><!-- said --><![CDATA[BR-1]]>")
        .replace("\"vento\"", "&quot;vento&#34;")
        .replace("xmlns=\"urn:oasis", "xmlns:unused=\"urn:x\" xmlns=\"urn:oasis");
    assert_eq!(by(&same, &trusted), "town");
    let value = signed.find("<SignatureValue>").unwrap() + "<SignatureValue>".len();
    let letter = if signed[value..].starts_with('A') { "B" } else { "A" };
    let broken = format!("{}{letter}{}", &signed[..value], &signed[value + 1..]);
    assert_eq!(refused(&broken, &trusted), Refusal::Broken);
}

#[test]
fn nothing_can_be_wrapped_around_what_was_signed() {
    let made = made("town#1");
    let (signed, trusted) = (sign(MESSAGE, &made.key).unwrap(), trusting("town", &made.pem));
    let root = read_tree(&signed).unwrap();
    let whole = &signed[root.from..root.to];
    let signature = root.children.last().unwrap();
    let signature = &signed[signature.from..signature.to];
    let cap = "xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"";
    let forged = MESSAGE.replace("BR-1", "BR-666").replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", "");
    // The true message inside a forged one, and the forged one beside it.
    for wrapped in [
        forged.replace("</alert>", &format!("{whole}</alert>")),
        forged.replace("</alert>", &format!("<info {cap}>{signature}</info></alert>")),
        format!("<alerts {cap}>{whole}{forged}</alerts>"),
    ] {
        assert!(matches!(refused(&wrapped, &trusted), Refusal::Misplaced | Refusal::NotCap(_)), "{wrapped}");
    }
    // The signature of another message, and one that holds the true message as its object.
    assert_eq!(refused(&forged.replace("</alert>", &format!("{signature}</alert>")), &trusted), Refusal::Changed);
    let object = signature.replace("</Signature>", &format!("<Object>{whole}</Object></Signature>"));
    assert_eq!(refused(&forged.replace("</alert>", &format!("{object}</alert>")), &trusted), Refusal::Misplaced);
    // A reference to a part.
    let part = signed.replace("<Reference URI=\"\">", "<Reference URI=\"#a\">");
    assert!(matches!(refused(&part, &trusted), Refusal::Partial(_)));
    assert!(matches!(refused(&signed.replace("<Reference URI=\"\">", "<Reference>"), &trusted), Refusal::Partial(_)));
    let twice = signed.replace("</Reference>", "</Reference><Reference URI=\"#a\"/>");
    assert!(matches!(refused(&twice, &trusted), Refusal::Malformed(_)));
    let filtered = signed.replace(
        "<Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/></Transforms>",
        "<Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><XPath>a</XPath></Transform></Transforms>",
    );
    assert!(matches!(refused(&filtered, &trusted), Refusal::Unsupported { .. }));
    let many = signed.replace("</alert>", &format!("{}</alert>", signature.repeat(4)));
    assert_eq!(refused(&many, &trusted), Refusal::TooMany);
    let keyed = signed.replace("2001/04/xmldsig-more#ecdsa-sha256", "2000/09/xmldsig#hmac-sha1");
    assert!(matches!(refused(&keyed, &trusted), Refusal::Unsupported { .. }));
}

#[test]
fn a_message_inside_a_feed_is_verified_as_a_document_of_its_own() {
    let made = made("town#1");
    let prefixed = MESSAGE.replace("<alert xmlns=", "<c:alert xmlns:c=").replace("</alert>", "</c:alert>");
    let prefixed =
        ["identifier", "sender", "sent", "status", "msgType", "scope", "note"].iter().fold(prefixed, |text, name| {
            text.replace(&format!("<{name}>"), &format!("<c:{name}>"))
                .replace(&format!("</{name}>"), &format!("</c:{name}>"))
        });
    let trusted = trusting("town", &made.pem);
    let signed = sign(MESSAGE, &made.key).unwrap();
    let root = read_tree(&signed).unwrap();
    let feed = format!("<feed xmlns=\"http://www.w3.org/2005/Atom\">{}</feed>", &signed[root.from..root.to]);
    let inner = &read_tree(&feed).unwrap().children[0];
    assert_eq!(by(&detached(&feed, inner.from, inner.to).unwrap(), &trusted), "town");
    // The prefix is declared outside of the message only.
    let bare = prefixed.replace(" xmlns:c=\"urn:oasis:names:tc:emergency:cap:1.2\"", "");
    let bare = bare.split_once("?>\n").unwrap().1.trim_end();
    let feed = format!("<f:feed xmlns:f=\"urn:f\" xmlns:c=\"urn:oasis:names:tc:emergency:cap:1.2\">{bare}</f:feed>");
    let inner = &read_tree(&feed).unwrap().children[0];
    let alone = detached(&feed, inner.from, inner.to).unwrap();
    let read = read_tree(&alone).unwrap();
    assert_eq!((read.name.as_str(), &*read.namespace), ("alert", "urn:oasis:names:tc:emergency:cap:1.2"));
    assert_eq!(detached(&feed, 3, 1), None);
}

fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cap").join(name);
    decode(&std::fs::read(path).unwrap()).unwrap()
}

/// The certificates that a message shows, as PEM.
fn shown(text: &str) -> String {
    let certificate = |rest: &str| {
        let body: String = rest.split('<').next().unwrap().split_whitespace().collect();
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
    };
    text.split("X509Certificate>").skip(1).step_by(2).map(certificate).collect()
}

/// Messages of others; xmlsec1 1.2.37 says of those marked so that their signature is right.
#[test]
fn real_signatures_are_judged_as_xmlsec1_judges_them() {
    // RSA-SHA1 with the bare key, both inclusive: nobody stands behind the key, but it made the signature.
    for name in ["ph.cap", "earthquake-iso8859-1.cap", "TropicalCyclone20150806.xml", "TropicalCyclone20150808.xml"] {
        let text = sample(name);
        assert!(
            matches!(refused(&text, &Trusted::default()), Refusal::Stranger { .. }),
            "{name}: {:?}",
            verify(&text, &Trusted::default())
        );
        let changed =
            text.replacen("<identifier>", "<identifier>x", 1).replacen("<cap:identifier>", "<cap:identifier>x", 1);
        assert_eq!(refused(&changed, &Trusted::default()), Refusal::Changed, "{name}");
    }
    // RSA-SHA256 over a SHA-1 sum, exclusive, with the certificate.
    let text = sample("no_info_tag.cap");
    let verification = verify(&text, &trusting("IPAWS", &shown(&text)));
    let Verification::Verified(verified) = verification else { panic!("{verification:?}") };
    assert_eq!(
        (verified.by.as_str(), verified.algorithm, verified.weak),
        ("IPAWS", Algorithm::RsaSha256, vec!["SHA-1"])
    );
    // DSA is not known here.
    assert!(matches!(refused(&sample("tsunami.xml"), &Trusted::default()), Refusal::Unsupported { .. }));
}

/// The office signs first, and the aggregator signs what is then there; each covers the message as it was read by it.
#[test]
fn of_two_signatures_one_that_holds_is_enough() {
    for (name, certificate) in
        [("canada_signed.cap", "naads_x509_cert.pem"), ("canada_signed.cap", "environment_canada_x509_cert.pem")]
    {
        let certificate =
            std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cap").join(certificate))
                .unwrap();
        let text = sample(name);
        assert_eq!(by(&text, &trusting("they", &certificate)), "they", "{name}");
        let changed = text.replacen("<headline>", "<headline>not ", 1);
        assert_eq!(refused(&changed, &trusting("they", &certificate)), Refusal::Changed, "{name}");
    }
    // Two of ours, the second over the first.
    let (one, two) = (made("one"), made("two"));
    let twice = sign(&sign(MESSAGE, &one.key).unwrap(), &two.key).unwrap();
    for (name, made) in [("one", &one), ("two", &two)] {
        assert_eq!(by(&twice, &trusting(name, &made.pem)), name);
    }
}

#[test]
fn certificates_alone_can_be_trusted() {
    let text = sample("no_info_tag.cap");
    let ders: Vec<Vec<u8>> = rustls::pki_types::pem::PemObject::pem_slice_iter(shown(&text).as_bytes())
        .map(|der: Result<rustls::pki_types::CertificateDer<'_>, _>| der.unwrap().to_vec())
        .collect();
    let trusted = Trusted::of_certificates(ders.iter().map(Vec::as_slice));
    assert!(by(&text, &trusted).contains("IPAWS"), "{}", by(&text, &trusted));
    assert!(Trusted::of_certificates([&b"none"[..]]).is_empty());
}

#[test]
fn damage_to_a_signed_message_never_panics_and_never_passes() {
    let made = made("town#1");
    let (signed, trusted) = (sign(MESSAGE, &made.key).unwrap(), trusting("town", &made.pem));
    for at in (0..signed.len()).filter(|at| signed.is_char_boundary(*at)) {
        let _ = verify(&signed[..at], &trusted);
        if let Some(rest) = signed.get(at + 1..) {
            let text = format!("{}0{rest}", &signed[..at]);
            if let Verification::Verified(_) = verify(&text, &trusted) {
                // What is not covered: white space inside tags and the declaration, and what base64 or a name leaves open.
                assert_eq!(parse_of(&text), parse_of(&signed), "byte {at}");
            }
        }
    }
}

fn parse_of(text: &str) -> Option<crate::alerts::cap::CapAlert> {
    crate::alerts::cap::xml::parse(text).ok()
}

#[test]
fn a_chain_of_certificates_leads_to_whom_we_trust() {
    let root_key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "Autoridade");
    let root = params.self_signed(&root_key).unwrap();
    let issuer = rcgen::Issuer::new(params.clone(), &root_key);
    let leaf_key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let leaf = |from: i32, to: i32| {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, "Defesa Civil");
        (params.not_before, params.not_after) = (rcgen::date_time_ymd(from, 1, 1), rcgen::date_time_ymd(to, 1, 1));
        let der = params.signed_by(&leaf_key, &issuer).unwrap().der().to_vec();
        Key::open("town#1", &leaf_key.serialize_der(), &der).unwrap()
    };
    let trusted = trusting("Autoridade", &root.pem());
    let signed = sign(MESSAGE, &leaf(2020, 2040)).unwrap();
    assert_eq!(by(&signed, &trusted), "Defesa Civil (Autoridade)");
    // A certificate that had ended when the message was sent stands behind nothing.
    let late = sign(MESSAGE, &leaf(2020, 2021)).unwrap();
    assert!(matches!(refused(&late, &trusted), Refusal::Stranger { name, .. } if name == "Defesa Civil"));
    // Nor does one that had ended long before the message came, whatever the message says of its time.
    let ended = sign(MESSAGE, &leaf(2020, 2027)).unwrap();
    let came = |at: &str| verify_received(&ended, &trusted, at.parse().unwrap());
    assert!(matches!(came("2026-02-24T00:41:00Z"), Verification::Verified(_)));
    assert!(matches!(came("2027-01-20T00:00:00Z"), Verification::Verified(_)));
    assert!(matches!(came("2027-03-01T00:00:00Z"), Verification::Refused(Refusal::Stranger { .. })));
    assert!(matches!(verify(&ended, &trusted), Verification::Verified(_)));
    // Whoever was only certified issues nothing.
    let plain = trusting("Defesa Civil", &made("x").pem);
    assert!(matches!(refused(&signed, &plain), Refusal::Stranger { .. }));
}

/// A folder of its own, removed at the end.
struct Desk(PathBuf);

impl Desk {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sentinela-signature-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Runs a program, which `make setup` installs, in the folder.
    fn run(&self, program: &str, arguments: &[&str]) -> (bool, String) {
        let output = Command::new(program).args(arguments).current_dir(&self.0).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn xmlsec1_verifies_what_we_sign() {
    let desk = Desk::new("ours");
    let made = made("town#1");
    desk.put("certificate.pem", &made.pem);
    desk.put("message.xml", &sign(MESSAGE, &made.key).unwrap());
    let (good, said) = desk.run("xmlsec1", &["--verify", "--trusted-pem", "certificate.pem", "message.xml"]);
    assert!(good, "{said}");
    let changed = sign(MESSAGE, &made.key).unwrap().replace("BR-1", "BR-2");
    desk.put("changed.xml", &changed);
    let (good, _) = desk.run("xmlsec1", &["--verify", "--trusted-pem", "certificate.pem", "changed.xml"]);
    assert!(!good);
}

#[test]
fn we_verify_what_xmlsec1_signs() {
    let desk = Desk::new("theirs");
    let (good, said) =
        desk.run("openssl", &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "rsa.pem"]);
    assert!(good, "{said}");
    for (curve, name) in [("P-256", "p256"), ("P-384", "p384")] {
        let file = format!("{name}.pem");
        desk.run(
            "openssl",
            &["genpkey", "-algorithm", "EC", "-pkeyopt", &format!("ec_paramgen_curve:{curve}"), "-out", &file],
        );
    }
    for name in ["rsa", "p256", "p384"] {
        let (key, public) = (format!("{name}.pem"), format!("{name}.pub"));
        assert!(desk.run("openssl", &["pkey", "-in", &key, "-pubout", "-out", &public]).0);
    }
    let more = "http://www.w3.org/2001/04/xmldsig-more#";
    let cases = [
        ("rsa", "http://www.w3.org/2000/09/xmldsig#rsa-sha1".to_owned(), "http://www.w3.org/2000/09/xmldsig#sha1"),
        ("rsa", format!("{more}rsa-sha256"), "http://www.w3.org/2001/04/xmlenc#sha256"),
        ("rsa", format!("{more}rsa-sha512"), "http://www.w3.org/2001/04/xmlenc#sha512"),
        ("p256", format!("{more}ecdsa-sha256"), "http://www.w3.org/2001/04/xmlenc#sha256"),
        ("p384", format!("{more}ecdsa-sha384"), "http://www.w3.org/2001/04/xmldsig-more#sha384"),
    ];
    for form in ["http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2001/10/xml-exc-c14n#"] {
        for (name, how, sum) in &cases {
            let template = format!(
                "<s:Signature xmlns:s=\"{NAMESPACE}\"><s:SignedInfo><s:CanonicalizationMethod Algorithm=\"{form}\"/>\
                 <s:SignatureMethod Algorithm=\"{how}\"/><s:Reference URI=\"\"><s:Transforms>\
                 <s:Transform Algorithm=\"{NAMESPACE}enveloped-signature\"/><s:Transform Algorithm=\"{form}\"/></s:Transforms>\
                 <s:DigestMethod Algorithm=\"{sum}\"/><s:DigestValue/></s:Reference></s:SignedInfo><s:SignatureValue/>\
                 <s:KeyInfo><s:KeyName/></s:KeyInfo></s:Signature>"
            );
            let text = MESSAGE.replace("<alert ", "<?say it?><alert xml:lang=\"pt\" xmlns:x=\"urn:x\" ");
            desk.put("unsigned.xml", &text.replace("</alert>", &format!("{template}</alert>")));
            let key = format!("{name}.pem");
            let (good, said) =
                desk.run("xmlsec1", &["--sign", "--privkey-pem:them", &key, "--output", "signed.xml", "unsigned.xml"]);
            assert!(good, "{how} {said}");
            let signed = std::fs::read_to_string(desk.0.join("signed.xml")).unwrap();
            let public = std::fs::read_to_string(desk.0.join(format!("{name}.pub"))).unwrap();
            let mut trusted = trusting("them", &public);
            assert_eq!(by(&signed, &trusted), "them", "{how} {form}");
            trusted = Trusted::default();
            assert_eq!(refused(&signed, &trusted), Refusal::NoKey);
        }
    }
}
