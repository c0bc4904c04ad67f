import { refusal } from "./errors.ts";
import { takeText } from "./intake.ts";
import type { Objects } from "./objects.ts";
import { refuseVersion } from "./reading.ts";
import type { Operation } from "./request.ts";
import { childrenOf, parseAs, textOf } from "./xml.ts";

export type Tags = [string, string][];

/** AWS: per object. */
const TAGS = 10;
const TAG_KEY = 128;
const TAG_VALUE = 256;

const checked = (tags: Tags): Tags => {
  if (tags.length > TAGS) throw refusal("BadRequest", {}, `Object tags cannot be greater than ${TAGS}`);
  if (new Set(tags.map(([key]) => key)).size !== tags.length)
    throw refusal("InvalidTag", {}, "Cannot provide multiple Tags with the same key");
  for (const [key, value] of tags) {
    if (key.length === 0 || key.length > TAG_KEY)
      throw refusal("InvalidTag", { TagKey: key }, "The TagKey you have provided is invalid");
    if (key.startsWith("aws:"))
      throw refusal("InvalidTag", { TagKey: key }, "Your TagKey cannot be prefixed with aws:");
    if (value.length > TAG_VALUE)
      throw refusal("InvalidTag", { TagKey: key, TagValue: value }, "The TagValue you have provided is invalid");
  }
  return tags;
};

/** Tags as the header `x-amz-tagging` carries them. Throws InvalidTag, InvalidArgument for a key that comes twice. */
export const tagsOf = (header: string | undefined): Tags => {
  const tags = header ? [...new URLSearchParams(header)] : [];
  if (new Set(tags.map(([key]) => key)).size !== tags.length)
    throw refusal(
      "InvalidArgument",
      { ArgumentName: "x-amz-tagging", ArgumentValue: header ?? "" },
      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
    );
  return checked(tags);
};

export const taggingOf = (objects: Objects) => {
  const PutObjectTagging: Operation = async (request) => {
    refuseVersion(request);
    const [set] = childrenOf(parseAs(await takeText(request), "Tagging"), "TagSet");
    if (!set) throw refusal("MalformedXML");
    objects.setTags(
      request.bucket,
      request.key,
      checked(childrenOf(set, "Tag").map((tag) => [textOf(tag, "Key") ?? "", textOf(tag, "Value") ?? ""])),
    );
    return {};
  };
  const GetObjectTagging: Operation = (request) => {
    refuseVersion(request);
    const { tags } = objects.require(request.bucket, request.key);
    return {
      xml: [
        "Tagging",
        [
          [
            "TagSet",
            tags.map(([key, value]) => [
              "Tag",
              [
                ["Key", key],
                ["Value", value],
              ],
            ]),
          ],
        ],
      ],
    };
  };
  const DeleteObjectTagging: Operation = (request) => {
    refuseVersion(request);
    objects.setTags(request.bucket, request.key, []);
    return { status: 204 };
  };
  return { PutObjectTagging, GetObjectTagging, DeleteObjectTagging };
};
