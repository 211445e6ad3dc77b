import { describe, expect, it } from 'vitest';
import { htmlToMarkdown } from './html-to-markdown.ts';

const BASE = 'https://docs.example/guide/start';
const read = (html: string) => htmlToMarkdown(html, BASE);

describe('a page as Markdown', () => {
  it('has its title, headings, text, lists, code and tables', () => {
    const html = `<!doctype html><html><head><title>Guide</title><style>p{}</style></head><body><h2>Start</h2><p>Some <b>bold</b> text.</p>
      <ul><li>one</li><li>two</li></ul><pre><code class="language-sh">npm ci
npm test</code></pre><table><thead><tr><th>field</th><th>price</th></tr></thead><tbody><tr><td>search</td><td>$0.02</td></tr></tbody></table></body></html>`;
    const markdown = read(html);
    for (const part of ['# Guide', '## Start', 'Some **bold** text.', '-   one', '```sh\nnpm ci\nnpm test\n```', '| field | price |', '| search | $0.02 |']) expect(markdown).toContain(part);
    expect(markdown).not.toContain('p{}');
  });

  it('has whole addresses for its links and pictures', () => {
    expect(read('<a href="../api?x=1#y">the API</a> <a href="//cdn.example/(1)">cdn</a> <img src="/a.png" alt="a plan">')).toBe('[the API](https://docs.example/api?x=1#y) [cdn](https://cdn.example/%281%29) ![a plan](https://docs.example/a.png)');
  });

  it('keeps the words and not the address of what leads nowhere', () => {
    expect(read('<a href="javascript:alert(1)">run</a> <a href="#top">top</a> <a>bare</a> <a href="/x"></a><img src="data:image/png;base64,AAAA"><img src="/pixel.gif">')).toBe('run top bare');
  });

  it('leaves out what nobody reads on it', () => {
    expect(read('<p>seen</p><script>steal()</script><noscript>turn it on</noscript><svg><text>drawn</text></svg><template>later</template><iframe src="/ad"></iframe>')).toBe('seen');
  });
});
