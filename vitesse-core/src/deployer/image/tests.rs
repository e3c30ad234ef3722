use std::collections::BTreeSet;
use std::io::Read as _;

use uuid::Uuid;

use super::*;
use crate::deployer::binary::tests::elf;
use crate::mapping::Mapping;
use crate::secret::Secret;

fn deployment() -> Deployment {
    let mapping = |stream: &str| {
        Mapping::parse(format!(r#"{{"version": 1, "transformations": [], "stream": "{stream}"}}"#).as_bytes())
            .unwrap()
    };
    let id = Uuid::parse_str("ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba").unwrap();
    Deployment::new(id, "Shop \"to\"\nCRM", vec![mapping("customers"), mapping("../Orders!")])
}

fn image(deployment: &Deployment, roots: Option<&[u8]>) -> Image {
    let binary = Binary::parse(elf(62, &[(1, b"code")])).unwrap();
    Image::assemble(&ImageParts { deployment, binary: &binary, version: "0.1.0", roots }).unwrap()
}

/// Path, mode, owner and size of everything in a layer.
fn listed(layer: &Layer) -> Vec<String> {
    let mut archive = tar::Archive::new(&*layer.bytes);
    let entries = archive.entries().unwrap().map(|entry| {
        let entry = entry.unwrap();
        let header = entry.header();
        assert_eq!(header.mtime().unwrap(), 0);
        format!(
            "{} {:o} {}:{}",
            entry.path().unwrap().display(),
            header.mode().unwrap(),
            header.uid().unwrap(),
            header.gid().unwrap()
        )
    });
    entries.collect()
}

#[test]
fn it_holds_what_it_should_and_nothing_else() {
    let mut deployment = deployment();
    deployment.credentials.insert("VITESSE_SOURCE_TOKEN".into(), Secret::new("s3cret-value"));
    deployment.environment.insert("BATCH_SIZE".into(), "77777".into());
    let image = image(&deployment, None);
    let layers: Vec<Vec<String>> = image.layers().iter().map(listed).collect();
    assert_eq!(
        layers[0],
        [
            "etc 755 0:0",
            "etc/ssl 755 0:0",
            "etc/ssl/certs 755 0:0",
            "etc/ssl/certs/ca-certificates.crt 644 0:0",
            "state 755 65532:65532"
        ]
    );
    assert_eq!(layers[1], ["vitesse-runtime 755 0:0"]);
    assert_eq!(
        layers[2],
        ["mapping 755 0:0", "mapping/001-customers.json 644 0:0", "mapping/002----orders-.json 644 0:0"]
    );
    insta::assert_snapshot!(String::from_utf8_lossy(image.config()).replace(&deployment.mapping_hash(), "HASH")
        .replace(&image.layers()[0].digest, "BASE").replace(&image.layers()[1].digest, "RUNTIME").replace(&image.layers()[2].digest, "MAPPINGS"), @r#"{"architecture":"amd64","os":"linux","created":"1970-01-01T00:00:00Z","config":{"User":"65532:65532","ExposedPorts":{"8080/tcp":{}},"Env":["VITESSE_MAPPING=/mapping","VITESSE_STATE=/state"],"Entrypoint":["/vitesse-runtime","serve"],"Volumes":{"/state":{}},"Labels":{"vitesse.integration.id":"ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba","vitesse.integration.name":"Shop \"to\" CRM","vitesse.mapping.hash":"HASH","vitesse.version":"0.1.0"}},"rootfs":{"type":"layers","diff_ids":["BASE","RUNTIME","MAPPINGS"]},"history":[{"created":"1970-01-01T00:00:00Z","created_by":"vitesse: roots of trust and the folder of the state"},{"created":"1970-01-01T00:00:00Z","created_by":"vitesse: the runtime"},{"created":"1970-01-01T00:00:00Z","created_by":"vitesse: the mappings"}]}"#);
    let mut archive = Vec::new();
    image.write_archive("a:b", &mut archive).unwrap();
    for secret in ["s3cret-value", "77777"] {
        assert!(!archive.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
    }
}

#[test]
fn the_same_makes_the_same_bytes_and_another_mapping_another_layer() {
    let first = image(&deployment(), None);
    let again = image(&deployment(), None);
    assert_eq!(first, again);
    let archive = |image: &Image| {
        let mut bytes = Vec::new();
        image.write_archive("a:b", &mut bytes).unwrap();
        bytes
    };
    assert_eq!(archive(&first), archive(&again));

    let mut other = deployment();
    other.mappings.pop();
    let other = image(&other, None);
    assert_eq!(first.layers()[..2], other.layers()[..2], "engines and registries have these already");
    assert_ne!(first.layers()[2], other.layers()[2]);
    assert_ne!(first.id(), other.id());
}

#[test]
fn certificates_of_the_operator_are_trusted_beside_the_usual_ones() {
    let image = image(&deployment(), Some(b"-----BEGIN CERTIFICATE-----"));
    assert!(listed(&image.layers()[0]).contains(&"etc/ssl/certs/added.pem 644 0:0".to_owned()));
    assert!(String::from_utf8_lossy(image.config()).contains(r#""SSL_CERT_FILE=/etc/ssl/certs/added.pem""#));
    assert!(root_certificates().matches("BEGIN CERTIFICATE").count() > 100);
}

#[test]
fn an_archive_is_an_oci_layout_in_which_every_name_is_true() {
    let image = image(&deployment(), None);
    let mut bytes = Vec::new();
    image.write_archive("vitesse-ad9cb833:5f3c", &mut bytes).unwrap();
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(&bytes[..]).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert!(files.insert(path, content).is_none());
    }
    for (path, content) in
        files.iter().filter_map(|(path, content)| Some((path.strip_prefix("blobs/sha256/")?, content)))
    {
        assert_eq!(digest(content), format!("sha256:{path}"));
    }
    let json = |path: &str| serde_json::from_slice::<serde_json::Value>(&files[path]).unwrap();
    let blob = |of: &serde_json::Value| {
        let path = format!("blobs/{}", of["digest"].as_str().unwrap().replace(':', "/"));
        assert_eq!(files[&path].len() as u64, of["size"].as_u64().unwrap());
        path
    };
    let manifest = json(&blob(&json("index.json")["manifests"][0]));
    let config = json(&blob(&manifest["config"]));
    let layers: Vec<&str> =
        manifest["layers"].as_array().unwrap().iter().map(|l| l["digest"].as_str().unwrap()).collect();
    assert_eq!(
        config["rootfs"]["diff_ids"],
        serde_json::json!(layers),
        "not compressed, a layer has one name"
    );
    manifest["layers"].as_array().unwrap().iter().for_each(|layer| drop(blob(layer)));
    let loadable = json("manifest.json");
    assert_eq!(loadable[0]["RepoTags"][0], "vitesse-ad9cb833:5f3c");
    let named: BTreeSet<&str> =
        loadable[0]["Layers"].as_array().unwrap().iter().map(|l| l.as_str().unwrap()).collect();
    assert!(
        named.iter().all(|path| files.contains_key(*path))
            && files.contains_key(loadable[0]["Config"].as_str().unwrap())
    );
}
