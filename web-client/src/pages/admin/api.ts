// SPDX-License-Identifier: EUPL-1.2
// The document and what follows from it, loaded once; and requests about the tenant that is chosen.
import { signal } from '@preact/signals';
import { createContext } from 'preact';
import { tabStore } from '../../app/storage';
import { ask, get, query, type Answer, type Method, type Page, type Wish } from '../api/client';
import { session } from '../api/session';
import { CHOSEN_IDS } from './curation';
import { Schemas, type ApiDocument, type Shape } from './document';
import type { JsonObject } from './form';
import { fillPath, itemsOf, resourcesOf, type Operation, type Resource, type Resources } from './resources';

/** What the pages are made of. */
export interface Api {
  readonly schemas: Schemas;
  readonly resources: Resources;
}

let loading: Promise<Api> | null = null;

/** Reads the document. The next call tries again when it could not be had. */
export function loadApi(): Promise<Api> {
  loading ??= get<ApiDocument>('/openapi.json').then(({ body }) => {
    const schemas = new Schemas(body);
    return { schemas, resources: resourcesOf(body, schemas) };
  });
  loading.catch(() => (loading = null));
  return loading;
}

const TENANT_KEY = 'saal.admin.tenant';

/** The tenant that requests are about. Who belongs to one has no choice. */
export const chosenTenant = signal<string>(tabStore.read(TENANT_KEY) ?? '');

export function chooseTenant(id: string): void {
  chosenTenant.value = id;
  if (id === '') tabStore.remove(TENANT_KEY);
  else tabStore.write(TENANT_KEY, id);
}

/** Whether whoever is signed in looks after several tenants. */
export function looksAfterTenants(): boolean {
  const { value: who } = session;
  return who !== null && who !== 'unknown' && who.role === 'system_admin';
}

/** Asks, about the tenant that is chosen. */
export function request<T>(method: Method, path: string, wish: Wish = {}): Promise<Answer<T>> {
  return ask<T>(method, withTenant(path), wish);
}

/** The path with the chosen tenant. */
export function withTenant(path: string): string {
  const tenant = looksAfterTenants() ? chosenTenant.value : '';
  if (tenant === '' || path.includes('tenant_id=')) return path;
  return `${path}${path.includes('?') ? '&' : '?'}${query({ tenant_id: tenant }).slice(1)}`;
}

/** Whether an operation is one that whoever is signed in may do at all. */
export function isAllowed(operation: Operation | null): boolean {
  const { value: who } = session;
  if (operation === null || who === null || who === 'unknown') return false;
  return operation.scopes.every((scope) => who.scopes.includes(scope));
}

/** Whether a page has anything to see or do for them. */
export function isOpen(resource: Resource): boolean {
  return isAllowed(resource.get ?? resource.create);
}

/** What the page's address is filled with, such as which meeting it is about. */
export const PlaceValues = createContext<Readonly<Record<string, string>>>({});

/** Whether what is in a list has pages of its own. */
export function hasItemPages(api: Api, list: Resource): boolean {
  return [...api.resources.values()].some(({ kind, path }) => kind === 'item' && path.replace(/\/\{\w+\}$/, '') === list.path);
}

/** A list, and where it is. */
export interface ListAt {
  readonly resource: Resource;
  readonly path: string;
}

/** The list from which ids of a type can be chosen: `PolicyId` from `/policies`, `InviteeId` from those of the meeting at hand. */
export function listOfIds(api: Api, name: string, values: Readonly<Record<string, string>> = {}): ListAt | null {
  for (const resource of api.resources.values()) {
    const path = fillPath(resource.path, values);
    if (resource.kind !== 'list' || path === null || resource.get === null || !isAllowed(resource.get)) continue;
    const items = itemsOf(resource.get, api.schemas);
    const id = items === null ? undefined : api.schemas.shape(items).properties['id'];
    if (id !== undefined && api.schemas.shape(id).name === name) return { resource, path };
  }
  return null;
}

/** The list from which the ids in a field can be chosen. */
export function listOfField(api: Api, field: string, { name }: Shape, values: Readonly<Record<string, string>> = {}): ListAt | null {
  const path = CHOSEN_IDS[field];
  if (path === undefined) return name === null ? null : listOfIds(api, name, values);
  const resource = api.resources.get(path);
  return resource?.kind === 'list' && resource.get !== null && isAllowed(resource.get) ? { resource, path } : null;
}

/** Most entries that a choice offers. */
export const MAX_CHOICES = 200;

const choices = new Map<string, Promise<readonly JsonObject[]>>();

/** The first entries of a list, to choose from. Kept for as long as the page stands. */
export function loadChoices(list: string): Promise<readonly JsonObject[]> {
  const path = withTenant(`${list}?limit=${MAX_CHOICES}`);
  const known = choices.get(path);
  if (known !== undefined) return known;
  const found = get<Page<JsonObject>>(path).then(({ body }) => body.items);
  choices.set(path, found);
  found.catch(() => choices.delete(path));
  return found;
}

/** After a change the lists are asked for anew. */
export function forgetChoices(): void {
  choices.clear();
}

/** What a thing is called. */
export function nameOf(thing: JsonObject): string {
  for (const name of ['title', 'name', 'email', 'subject', 'url', 'meeting_title', 'action', 'event', 'kind', 'recurrence_id', 'id']) {
    const value = thing[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return '';
}

/** What a page shows: of a list the shape of one entry. */
export function shapeOf(api: Api, operation: Operation): Shape {
  return api.schemas.shape(itemsOf(operation, api.schemas) ?? operation.answer ?? undefined);
}
