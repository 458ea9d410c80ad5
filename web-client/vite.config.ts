// SPDX-License-Identifier: EUPL-1.2
import { defineConfig } from 'vitest/config';
import { licences } from './scripts/licences.mjs';

/** Where `npm run dev` finds a running Saal server for the API and the signalling socket. */
const devServer = process.env['SAAL_DEV_SERVER'] ?? 'http://127.0.0.1:7880';

export default defineConfig({
  plugins: [licences()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    // The first releases with light-dark(), which the theme is written in.
    target: ['chrome123', 'firefox121', 'safari17.5'],
    // The content security policy allows neither inline scripts nor fonts from data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // LiveKit alone is this large, is loaded late and changes rarely: a file of its own stays in the browser's cache.
    chunkSizeWarningLimit: 600,
    rolldownOptions: {
      output: {
        codeSplitting: { groups: [{ name: 'livekit', test: /node_modules\/livekit-client/ }] },
        // The size budget tells by the name what nobody loads who only joins a meeting.
        chunkFileNames: ({ moduleIds }) =>
          moduleIds.some((id) => id.includes('/src/pages/')) ? 'assets/pages-[name]-[hash].js' : 'assets/[name]-[hash].js',
      },
    },
  },
  server: {
    proxy: {
      '/api': devServer,
      '/auth': devServer,
      '/rtc': { target: devServer, ws: true },
    },
  },
  test: {
    environment: 'happy-dom',
    include: ['test/unit/**/*.test.{ts,tsx}'],
    setupFiles: ['test/unit/setup.ts'],
    restoreMocks: true,
  },
});
