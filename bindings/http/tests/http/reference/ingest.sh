curl -X POST http://localhost:9001/api/v1/vitesse/integrations/ad9cb833-cd8d.../ingest \
  -H "Content-Type: application/json" \
  -d '{
    "source_spec_url": "https://api.salesforce.com/openapi.json",
    "dest_spec_url": "https://api.hubspot.com/openapi.json"
  }'
