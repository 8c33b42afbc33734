import base from './jest.config.js';

/** Tests in a browser, apart because they need Debian's package `chromium`: `npm run test:browser`. */
/** @type {import('jest').Config} */
export default {
  ...base,
  testMatch: ['<rootDir>/tests/browser/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
};
