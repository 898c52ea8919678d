// What docs/openapi must keep: Spectral's recommended rules, and the technical rules of the Dutch REST API Design Rules 2.1
// (https://gitdocumentatie.logius.nl/publicatie/api/adr/), here in our own words. After each rule: its name there.
//
// One departure: `doc-openapi-contact` also asks for an e-mail address. Whoever runs the services has one, and not we.

import functions from '@stoplight/spectral-functions'
import rulesets from '@stoplight/spectral-rulesets'

const { pattern, schema, truthy, undefined: absent } = functions

const API = '$.paths[?(!@property.startsWith("/health/"))]' // health is no part of a version of the API
const OPERATION = `${API}[get,put,post,patch,delete]`
const SUCCESS = `${OPERATION}.responses[?(@property.match(/^[23]/))]`
const PROBLEM = `${OPERATION}.responses[?(@property.match(/^[45]|^default$/))]`

const rule = (description, given, then) => ({ description, message: `${description} {{error}}`, severity: 'error', given, then })
const matches = (match) => ({ function: pattern, functionOptions: { match } })
const has = (...required) => ({ function: schema, functionOptions: { schema: { type: 'object', required } } })

export default {
  extends: [[rulesets.oas, 'recommended']],
  rules: {
    'adr-openapi-3': rule('An API is described in OpenAPI 3 (doc-openapi).', '$.openapi', matches('^3\\.[0-9]+\\.[0-9]+$')),
    'adr-semver': rule('A version is a semantic one (semver).', '$.info.version', matches('^[0-9]+\\.[0-9]+\\.[0-9]+$')),
    'adr-contact': rule('It says whom to ask (doc-openapi-contact).', '$.info.contact', has('name', 'url')),
    'adr-version-in-uri': rule('The address has the major version (uri-version).', '$.servers[*].url', matches('/v[0-9]+$')),
    'adr-version-header': rule('An answer says the full version (version-header).', [SUCCESS, PROBLEM], {
      field: 'headers.API-Version',
      function: truthy,
    }),
    'adr-standard-methods': rule('Only the standard methods (http-methods).', '$.paths[*]', {
      field: '@key',
      function: pattern,
      functionOptions: { match: '^(get|put|post|patch|delete|parameters|summary|description)$' },
    }),
    'adr-kebab-case': rule('A path is in kebab-case (path-segments-kebab-case).', '$.paths', {
      field: '@key',
      function: pattern,
      functionOptions: { match: '^(/([a-z0-9]+([-.][a-z0-9]+)*|\\{[A-Za-z0-9]+\\}))+$' }, // a file has an ending
    }),
    'adr-query-in-camel-case': rule(
      'A key of a query is in lower camel case (query-keys-camel-case).',
      `${OPERATION}.parameters[?(@.in === "query")].name`,
      matches('^[a-z][a-z0-9]*([A-Z][a-z0-9]*)*$'),
    ),
    'adr-problem': rule('A refusal is a problem of RFC 9457 (problem-details).', PROBLEM, {
      field: 'content',
      ...has('application/problem+json'),
    }),
    'adr-problem-members': rule(
      'A problem says type, status, title and detail (problem-details).',
      `${PROBLEM}.content["application/problem+json"].schema`,
      { field: 'required', function: schema, functionOptions: { schema: containsAll('type', 'status', 'title', 'detail') } },
    ),
    'adr-invalid-input': rule('What a caller sends may be invalid: 400 (invalid-input).', `${OPERATION}.responses`, has('400')),
    'adr-not-422': rule('And not 422 (invalid-input).', `${OPERATION}.responses`, {
      field: '422',
      function: absent,
    }),
    'adr-time-with-zone': rule(
      'A moment has a time zone (date-time/timezone).',
      '$.components.schemas[*].properties[*].format',
      { function: pattern, functionOptions: { notMatch: '^(time|date-time-local)$' } },
    ),
    'adr-date': rule(
      'What happens on a day is a date (date-time/date-omit-time-portion).',
      '$.components.schemas[*].properties[?(@property.match(/(On|Day|From|To|By)$/) && @.format)].format',
      matches('^date$'),
    ),
    'adr-date-time': rule(
      'What happens at a moment is a date-time.',
      '$.components.schemas[*].properties[?(@property.match(/[a-z]At$/) && @.type === "string")]',
      { field: 'format', function: schema, functionOptions: { schema: { const: 'date-time' } } },
    ),
    'adr-names-in-camel-case': rule(
      'A field is in lower camel case.',
      '$.components.schemas[*].properties[*]~',
      matches('^[a-z][a-z0-9]*([A-Z][a-z0-9]*)*$'),
    ),
    'adr-schemas-in-pascal-case': rule(
      'A schema is in upper camel case.',
      '$.components.schemas[*]~',
      matches('^([A-Z][a-z0-9]*)+$'),
    ),
  },
}

function containsAll(...names) {
  return { type: 'array', allOf: names.map((name) => ({ contains: { const: name } })) }
}
