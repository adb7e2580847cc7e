// ruleid: markup-from-text
element.innerHTML = text;
// ruleid: markup-from-text
document.write(text);
// ok: markup-from-text
element.textContent = text;
// ruleid: message-to-anyone
parent.postMessage(data, "*");
// ok: message-to-anyone
parent.postMessage(data, origin);
