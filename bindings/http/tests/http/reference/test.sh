curl -X POST http://localhost:9001/api/v1/vitesse/integrations/ad9cb833-cd8d.../test \
  -H "Content-Type: application/json" \
  -d '{
    "test_sample_size": 10,
    "skip_destructive": true
  }'
