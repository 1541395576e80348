// Notifications of the browser: only where the user switched them on.

const KEY = "unet-notify";

export const isSupported = () => "Notification" in window && window.isSecureContext;

export function isOn() {
  try {
    return isSupported() && Notification.permission === "granted" && localStorage.getItem(KEY) === "on";
  } catch {
    return false; // storage is forbidden
  }
}

// Switch it on or off; the browser asks the user the first time. Returns whether it is on.
export async function toggle() {
  const on = !isOn() && (await Notification.requestPermission()) === "granted";
  try {
    localStorage.setItem(KEY, on ? "on" : "off");
  } catch {
    return false;
  }
  return on;
}

// Show one about a run; a click on it opens `url`. Several tabs show it once: it has the run as its tag.
export function notify([heading, body], run, url) {
  if (!isOn()) return;
  try {
    const shown = new Notification(heading, { body, tag: `unet-${run}` });
    shown.onclick = () => {
      window.focus();
      location.assign(url);
      shown.close();
    };
  } catch {
    // Chrome on Android allows them to service workers only
  }
}
