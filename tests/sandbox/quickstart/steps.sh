ACCESS_TOKEN=$(curl --silent --request POST \
--url https://${KREBIT_DOMAIN}/api/oauth/token \
--header 'Content-Type: application/json' \
--data "{
\"grant_type\": \"authorization_code\",
\"client_id\": \"${KREBIT_CLIENT_ID}\",
\"client_secret\": \"${KREBIT_CLIENT_SECRET}\",
\"redirect_uri\": \"${KREBIT_REDIRECT_URI}\",
\"code\": \"${KREBIT_AUTH_CODE}\"
}" | jq -r '.access_token')
curl --request GET \
--url ${KREBIT_API}/me \
--header "Authorization: Bearer ${ACCESS_TOKEN}"
curl --request GET \
--url "${KREBIT_API}/clients?limit=10&page=1" \
--header "Authorization: Bearer ${ACCESS_TOKEN}" | jq '.data'
CLIENT_ID=12345
curl --request GET \
--url "${KREBIT_API}/clients/${CLIENT_ID}" \
--header "Authorization: Bearer ${ACCESS_TOKEN}"
curl --request GET \
--url "${KREBIT_API}/clients/${CLIENT_ID}/acts/latest" \
--header "Authorization: Bearer ${ACCESS_TOKEN}"
ACT_UUID="123e4567-e89b-12d3-a456-426614174000"
curl --request GET \
--url "${KREBIT_API}/acts/${ACT_UUID}/data" \
--header "Authorization: Bearer ${ACCESS_TOKEN}"
curl --request POST \
--url "${KREBIT_API}/webhooks" \
--header "Authorization: Bearer ${ACCESS_TOKEN}" \
--header 'Content-Type: application/json' \
--data '{
"event": "EVENT_TYPE",
"target": "https://example.com/webhooks/krebit"
}'
