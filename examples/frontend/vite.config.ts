import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// The API is at /graphql of the page's own origin, in development as behind a proxy in production.
const api = process.env.API ?? 'http://127.0.0.1:4000';

export default defineConfig({
  plugins: [react()],
  build: { chunkSizeWarningLimit: 1000 },
  server: { proxy: { '/graphql': api } },
  preview: { proxy: { '/graphql': api } },
});
