curl -X POST http://localhost:9001/api/v1/vitesse/integrations \
  -H "Content-Type: application/json" \
  -d '{
    "name": "Test Integration",
    "source_discovery": {
      "api_name": "Salesforce",
      "base_url": "https://api.salesforce.com",
      "documentation_url": "https://salesforce.com"
    },
    "dest_discovery": {
      "api_name": "HubSpot",
      "base_url": "https://api.hubspot.com",
      "documentation_url": "https://hubspot.com"
    },
    "user_intent": "Sync contacts",
    "deployment_target": "local"
  }'
