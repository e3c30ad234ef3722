curl -X POST http://localhost:9001/api/v1/vitesse/integrations/ad9cb833-cd8d.../deploy \
  -H "Content-Type: application/json" \
  -d '{
    "replicas": 1,
    "memory_mb": 512,
    "cpu_cores": 0.5,
    "auto_scale": false
  }'
