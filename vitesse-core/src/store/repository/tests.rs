use serde_json::json;

use super::*;

#[test]
fn a_status_is_read_back_and_a_wrong_one_is_helped() {
    for status in Status::ALL {
        assert_eq!(status.as_str().parse::<Status>().unwrap(), *status);
        assert_eq!(serde_json::to_value(status).unwrap(), json!(status.as_str()));
    }
    let error = "actve".parse::<Status>().unwrap_err();
    assert!(error.to_string().contains("\"active\""), "{error}");
}

#[test]
fn a_configuration_keeps_what_only_its_target_knows() {
    let text = json!({"target": "eks", "replicas": 2, "registry": "r.example"});
    let config: DeploymentConfig = serde_json::from_value(text).unwrap();
    assert_eq!((config.replicas, config.memory_mb, config.cpu_cores), (2, 512, 0.5));
    assert_eq!(serde_json::to_value(&config).unwrap()["registry"], "r.example");
}
