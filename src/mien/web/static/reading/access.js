// Requests to the server: with the token where it wants one, again where it says "later", errors as sentences.

const TRIES = 5;

export class Access {
  /** `askForToken` shows a dialog and resolves with a token. */
  constructor(askForToken) {
    this.askForToken = askForToken;
    this.token = null;
  }

  async fetch(path, options = {}) {
    for (let attempt = 1; ; attempt += 1) {
      const headers = this.token ? { Authorization: `Bearer ${this.token}` } : {};
      const response = await fetch(path, { ...options, headers }).catch((error) => {
        if (error.name === "AbortError") throw error;
        throw new Error("the server does not answer: is it still running?");
      });
      if (response.ok) return response;
      if (response.status === 401) {
        this.token = await this.askForToken();
      } else if (response.status === 429 && attempt < TRIES) {
        const wait_s = Number(response.headers.get("Retry-After")) || 1;
        await new Promise((resolve) => setTimeout(resolve, 1000 * wait_s));
      } else {
        const content = await response.json().catch(() => null);
        throw new Error(content?.error?.message ?? `the server answers with status ${response.status}`);
      }
    }
  }

  async json(path, options) {
    return (await this.fetch(path, options)).json();
  }

  async bytes(path) {
    return new Uint8Array(await (await this.fetch(path)).arrayBuffer());
  }

  /** A WebSocket; browsers cannot give it headers, so the token goes as a subprotocol. */
  socket(path) {
    const url = new URL(path, document.baseURI);
    url.protocol = url.protocol.replace("http", "ws");
    return new WebSocket(url, this.token ? ["mien.v1", `bearer.${this.token}`] : ["mien.v1"]);
  }
}
