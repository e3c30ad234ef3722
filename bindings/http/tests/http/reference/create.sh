curl -X POST http://localhost:9001/api/v1/vitesse/integrations \
  -H "Content-Type: application/json" \
  -d '{
    "name": "Salesforce to HubSpot Sync",
    "source_discovery": {
      "api_name": "Salesforce",
      "description": "CRM Platform",
      "base_url": "https://api.salesforce.com",
      "documentation_url": "https://salesforce.com",
      "confidence_score": 0.95,
      "source": "catalog"
    },
    "dest_discovery": {
      "api_name": "HubSpot",
      "description": "Marketing Platform",
      "base_url": "https://api.hubspot.com",
      "documentation_url": "https://hubspot.com",
      "confidence_score": 0.95,
      "source": "catalog"
    },
    "user_intent": "Sync contacts between platforms",
    "deployment_target": "local"
  }'
