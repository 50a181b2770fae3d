/** One way to ask the server, and its sentence when it refuses. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { PLAIN, Words } from './words';

/** The server refused, or did not answer; `message` is for people. */
export class RequestError extends Error {
  constructor(
    message: string,
    /** The HTTP status; 0 where nobody answered. */
    readonly status: number,
    /** The word beside the sentence. */
    readonly code: string
  ) {
    super(message);
  }
}

/** Ask `research/api/<path>` and give the answer; reject with a `RequestError`. */
export async function request(
  settings: ServerConnection.ISettings,
  path: string,
  init: RequestInit = {},
  trans: Words = PLAIN
): Promise<Response> {
  const url = URLExt.join(settings.baseUrl, 'research/api', path);
  let response: Response;
  try {
    response = await ServerConnection.makeRequest(url, init, settings);
  } catch {
    throw new RequestError(trans.__('The server does not answer.'), 0, 'unreachable');
  }
  if (response.type === 'opaqueredirect') {
    // It tells neither status nor place; such a page leads to a login, or away from a server that is gone.
    throw new RequestError(trans.__('The server sends this page elsewhere.'), 302, 'redirected');
  }
  if (!response.ok) {
    throw await refusal(response, trans);
  }
  return response;
}

async function refusal(response: Response, trans: Words): Promise<RequestError> {
  const { status, statusText } = response;
  let sentence = trans.__('The server answered %1.', `${status} ${statusText}`.trim());
  let code = 'error';
  try {
    const body = (await response.json()) as Record<string, unknown>;
    sentence = typeof body.error === 'string' ? body.error : sentence;
    code = typeof body.code === 'string' ? body.code : code;
  } catch {
    // A proxy's page, not our JSON: the status says enough.
  }
  return new RequestError(sentence, response.status, code);
}
