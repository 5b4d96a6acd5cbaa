// Package browser has tests of the arena's page in Chromium, driven by playwright-core: make browser runs them.
//
// browser_test.go talks to drive.mjs, which has the browser; path_test.go is a way between a page and its server on
// which things go wrong; page_test.go and trouble_test.go are the tests. Screenshots are left in bin/browser.
package browser
