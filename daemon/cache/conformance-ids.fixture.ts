/**
 * The ids of the public HTTP cache tests, github.com/http-tests/cache-tests, as of commit
 * b55b8bda3dbb8c927c04e85bd8d496a8caa3e4ba: ids alone, a suite a paragraph, to be held against our own tables.
 */
export const IDS: readonly string[] = `
  freshness-none freshness-max-age freshness-max-age-stale freshness-max-age-0 freshness-max-age-max-minus-1 freshness-max-age-max
  freshness-max-age-max-plus-1 freshness-max-age-max-plus freshness-max-age-age freshness-max-age-date freshness-max-age-expires
  freshness-max-age-expires-invalid freshness-max-age-0-expires freshness-max-age-extension freshness-max-age-case-insenstive
  freshness-max-age-negative freshness-max-age-s-maxage-private freshness-max-age-s-maxage-private-multiple freshness-s-maxage-shared
  freshness-max-age-s-maxage-shared-longer freshness-max-age-s-maxage-shared-longer-reversed
  freshness-max-age-s-maxage-shared-longer-multiple freshness-max-age-s-maxage-shared-shorter
  freshness-max-age-s-maxage-shared-shorter-expires

  freshness-max-age-two-fresh-stale-sameline freshness-max-age-two-fresh-stale-sepline freshness-max-age-two-stale-fresh-sameline
  freshness-max-age-two-stale-fresh-sepline freshness-max-age-quoted freshness-max-age-ignore-quoted freshness-max-age-ignore-quoted-rev
  freshness-max-age-space-before-equals freshness-max-age-space-after-equals freshness-max-age-leading-zero freshness-max-age-single-quoted
  freshness-max-age-decimal-zero freshness-max-age-decimal-five freshness-max-age-a100 freshness-max-age-100a

  age-parse-nonnumeric age-parse-negative age-parse-float age-parse-large-minus-one age-parse-large age-parse-larger age-parse-suffix
  age-parse-prefix age-parse-suffix-twoline age-parse-prefix-twoline age-parse-dup-0 age-parse-dup-0-twoline age-parse-dup-old
  age-parse-parameter age-parse-numeric-parameter

  freshness-expires-future freshness-expires-past freshness-expires-present freshness-expires-old-date freshness-expires-invalid
  freshness-expires-invalid-date freshness-expires-age-slow-date freshness-expires-age-fast-date

  freshness-expires-32bit freshness-expires-far-future freshness-expires-rfc850 freshness-expires-ansi-c
  freshness-expires-wrong-case-weekday freshness-expires-wrong-case-month freshness-expires-wrong-case-tz freshness-expires-invalid-utc
  freshness-expires-invalid-aest freshness-expires-invalid-2-digit-year freshness-expires-invalid-no-comma
  freshness-expires-invalid-multiple-spaces freshness-expires-invalid-date-dashes freshness-expires-invalid-time-periods
  freshness-expires-invalid-1-digit-hour freshness-expires-invalid-multiple-lines

  cc-resp-private-shared cc-resp-private-private cc-resp-no-store cc-resp-no-store-case-insensitive cc-resp-no-store-fresh
  cc-resp-no-store-old-new cc-resp-no-store-old-max-age cc-resp-no-cache cc-resp-no-cache-case-insensitive cc-resp-no-cache-revalidate
  cc-resp-no-cache-revalidate-fresh headers-omit-headers-listed-in-Cache-Control-no-cache-single
  headers-omit-headers-listed-in-Cache-Control-no-cache cc-resp-must-revalidate-fresh cc-resp-must-revalidate-stale cc-resp-immutable-fresh
  cc-resp-immutable-stale

  stale-close stale-503 stale-while-revalidate stale-while-revalidate-window stale-sie-close stale-sie-503 stale-close-must-revalidate
  stale-close-proxy-revalidate stale-close-no-cache stale-close-s-maxage=2 stale-warning-stored stale-warning-become

  heuristic-200-cached heuristic-201-not_cached heuristic-202-not_cached heuristic-203-cached heuristic-204-cached heuristic-403-not_cached
  heuristic-404-cached heuristic-405-cached heuristic-410-cached heuristic-414-cached heuristic-501-cached heuristic-502-not_cached
  heuristic-503-not_cached heuristic-504-not_cached heuristic-599-not_cached heuristic-599-cached heuristic-delta-5 heuristic-delta-10
  heuristic-delta-30 heuristic-delta-60 heuristic-delta-300 heuristic-delta-600 heuristic-delta-1200 heuristic-delta-1800
  heuristic-delta-3600 heuristic-delta-43200 heuristic-delta-86400

  method-POST

  status-200-fresh status-200-stale status-203-fresh status-203-stale status-204-fresh status-204-stale status-299-fresh status-299-stale
  status-301-fresh status-301-stale status-302-fresh status-302-stale status-303-fresh status-303-stale status-307-fresh status-307-stale
  status-308-fresh status-308-stale status-400-fresh status-400-stale status-404-fresh status-404-stale status-410-fresh status-410-stale
  status-499-fresh status-499-stale status-500-fresh status-500-stale status-502-fresh status-502-stale status-503-fresh status-503-stale
  status-504-fresh status-504-stale status-599-fresh status-599-stale status-599-must-understand status-200-must-understand

  ccreq-ma0 ccreq-ma1 ccreq-magreaterage ccreq-max-stale ccreq-max-stale-age ccreq-min-fresh ccreq-min-fresh-age ccreq-no-cache
  ccreq-no-cache-lm ccreq-no-cache-etag ccreq-no-store ccreq-oic

  pragma-request-no-cache pragma-request-extension pragma-response-no-cache pragma-response-no-cache-heuristic pragma-response-extension

  vary-match vary-no-match vary-omit-stored vary-omit vary-invalidate vary-cache-key vary-2-match vary-2-no-match vary-2-match-omit
  vary-3-match vary-3-no-match vary-3-order vary-3-omit vary-star vary-normalise-combine vary-normalise-lang-order vary-normalise-lang-case
  vary-normalise-lang-space vary-normalise-lang-select vary-normalise-space

  vary-syntax-star vary-syntax-star-star vary-syntax-star-star-lines vary-syntax-empty-star vary-syntax-empty-star-lines
  vary-syntax-star-foo vary-syntax-foo-star

  conditional-lm-fresh conditional-lm-fresh-earlier conditional-lm-stale conditional-lm-fresh-no-lm conditional-lm-fresh-rfc850

  conditional-etag-strong-respond conditional-304-etag conditional-etag-precedence conditional-etag-strong-respond-obs-text
  conditional-etag-quoted-respond-unquoted conditional-etag-unquoted-respond-unquoted conditional-etag-unquoted-respond-quoted
  conditional-etag-weak-respond conditional-etag-weak-respond-lowercase conditional-etag-weak-respond-backslash
  conditional-etag-weak-respond-omit-slash conditional-etag-strong-respond-multiple-first conditional-etag-strong-respond-multiple-second
  conditional-etag-strong-respond-multiple-last conditional-etag-vary-headers conditional-etag-vary-headers-mismatch
  conditional-etag-strong-generate conditional-etag-weak-generate-weak conditional-etag-strong-generate-unquoted conditional-etag-forward
  conditional-etag-forward-unquoted

  headers-omit-headers-listed-in-Connection headers-store-Test-Header headers-store-X-Test-Header headers-store-Content-Foo
  headers-store-X-Content-Foo headers-store-Cache-Control headers-store-Connection headers-store-Content-Encoding
  headers-store-Content-Length headers-store-Content-Location headers-store-Content-MD5 headers-store-Content-Range
  headers-store-Content-Security-Policy headers-store-Content-Type headers-store-Clear-Site-Data headers-store-ETag headers-store-Expires
  headers-store-Keep-Alive headers-store-Proxy-Authenticate headers-store-Proxy-Authentication-Info headers-store-Proxy-Authorization
  headers-store-Proxy-Connection headers-store-Public-Key-Pins headers-store-Set-Cookie headers-store-Set-Cookie2 headers-store-TE
  headers-store-Transfer-Encoding headers-store-Upgrade headers-store-X-Frame-Options headers-store-X-XSS-Protection

  304-lm-use-stored-Test-Header 304-etag-update-response-Test-Header 304-etag-update-response-X-Test-Header
  304-etag-update-response-Content-Foo 304-etag-update-response-X-Content-Foo 304-etag-update-response-Cache-Control
  304-etag-update-response-Content-Encoding 304-etag-update-response-Content-Length 304-etag-update-response-Content-Location
  304-etag-update-response-Content-MD5 304-etag-update-response-Content-Range 304-etag-update-response-Content-Security-Policy
  304-etag-update-response-Content-Type 304-etag-update-response-Clear-Site-Data 304-etag-update-response-ETag
  304-etag-update-response-Expires 304-etag-update-response-Public-Key-Pins 304-etag-update-response-Set-Cookie
  304-etag-update-response-Set-Cookie2 304-etag-update-response-X-Frame-Options 304-etag-update-response-X-XSS-Protection

  head-writethrough head-200-retain head-200-freshness-update head-200-update head-410-update

  invalidate-POST invalidate-POST-failed invalidate-PUT invalidate-PUT-failed invalidate-DELETE invalidate-DELETE-failed
  invalidate-M-SEARCH invalidate-M-SEARCH-failed invalidate-POST-location invalidate-PUT-location invalidate-DELETE-location
  invalidate-M-SEARCH-location invalidate-POST-cl invalidate-PUT-cl invalidate-DELETE-cl invalidate-M-SEARCH-cl

  partial-store-partial-reuse-partial partial-store-complete-reuse-partial partial-store-complete-reuse-partial-no-last
  partial-store-complete-reuse-partial-suffix partial-store-partial-reuse-partial-byterange partial-store-partial-reuse-partial-absent
  partial-store-partial-reuse-partial-suffix partial-store-partial-complete partial-use-headers partial-use-stored-headers

  other-authorization other-authorization-public other-authorization-must-revalidate other-authorization-smaxage

  other-age-gen other-age-delay other-age-update-expires other-age-update-max-age other-date-update other-date-update-expires
  other-date-update-expires-update query-args-different query-args-same other-heuristic-content-disposition-attachment
  other-fresh-content-disposition-attachment other-set-cookie other-cookie

  cdn-max-age cdn-max-age-max cdn-max-age-max-plus cdn-max-age-age cdn-max-age-space-before-equals cdn-max-age-space-after-equals
  cdn-max-age-0 cdn-max-age-extension cdn-max-age-case-insensitive cdn-max-age-expires cdn-max-age-cc-max-age-invalid-expires
  cdn-max-age-0-expires cdn-max-age-short-cc-max-age cdn-max-age-long-cc-max-age cdn-private cdn-no-cache cdn-no-store-cc-fresh
  cdn-fresh-cc-nostore cdn-cc-invalid-sh-type-unknown cdn-cc-invalid-sh-type-wrong cdn-remove-header cdn-remove-age-exceed
  cdn-date-update-exceed cdn-expires-update-exceed

  interim-102 interim-103 interim-not-cached interim-no-header-reuse
`.split(/\s+/).filter((id) => id !== '');
