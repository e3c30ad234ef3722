curl -X POST http://localhost:9001/api/v1/vitesse/integrations/ad9cb833-cd8d.../map \
  -H "Content-Type: application/json" \
  -d '{
    "source_endpoint": "/customers",
    "dest_endpoint": "/contacts",
    "mapping_hints": {
      "customer_id": "contact_id",
      "customer_name": "full_name"
    }
  }'
