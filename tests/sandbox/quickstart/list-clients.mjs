import axios from 'axios';
const baseUrl = `https://${process.env.KREBIT_DOMAIN}`;
const api = axios.create({
baseURL: `${baseUrl}/api/1.0`,
headers: { Accept: 'application/json' },
});
async function authenticate() {
const { data } = await axios.post(`${baseUrl}/api/oauth/token`, {
grant_type: 'refresh_token',
client_id: process.env.KREBIT_CLIENT_ID,
client_secret: process.env.KREBIT_CLIENT_SECRET,
refresh_token: process.env.KREBIT_REFRESH_TOKEN,
});
api.defaults.headers.common.Authorization = `Bearer ${data.access_token}`;
}
async function run() {
await authenticate();
const { data } = await api.get('/clients', {
params: { limit: 10, page: 1 },
});
console.log('Client count:', data?.data?.length ?? 0);
}
run().catch((error) => {
console.error('Krebit Finance API error', error.response?.data || error.message);
process.exit(1);
});
