-- The smaller layout: the older base tables without hours of snapshots (ORIGINS T-B6), the columns that the seed
-- document adds to them, and the tables that it proposes.
CREATE TABLE social_media_accounts (
    id serial PRIMARY KEY,
    platform varchar(50) NOT NULL,
    username varchar(255) NOT NULL,
    display_name varchar(255),
    created_at timestamp DEFAULT now(),
    UNIQUE (platform, username)
);

CREATE TABLE social_media_posts (
    id serial PRIMARY KEY,
    account_id integer NOT NULL REFERENCES social_media_accounts (id) ON DELETE CASCADE,
    platform varchar(50) NOT NULL,
    external_post_id varchar(255) NOT NULL,
    post_url text NOT NULL,
    caption text,
    posted_at timestamp,
    created_at timestamp DEFAULT now(),
    check_schedule jsonb,
    next_check_at timestamp,
    tracking_complete boolean DEFAULT false,
    UNIQUE (platform, external_post_id)
);

CREATE TABLE social_media_post_analytics (
    id serial PRIMARY KEY,
    post_id integer NOT NULL REFERENCES social_media_posts (id) ON DELETE CASCADE,
    snapshot_date date NOT NULL,
    likes_count bigint DEFAULT 0,
    views_count bigint DEFAULT 0,
    created_at timestamp DEFAULT now(),
    UNIQUE (post_id, snapshot_date)
);

CREATE TABLE social_media_comments (
    id serial PRIMARY KEY,
    post_id integer NOT NULL REFERENCES social_media_posts (id) ON DELETE CASCADE,
    platform varchar(50) NOT NULL,
    external_comment_id varchar(255) NOT NULL,
    comment_text text,
    author_username varchar(255),
    likes_count integer DEFAULT 0,
    api_reply_count integer DEFAULT 0,
    commented_at timestamp,
    UNIQUE (platform, external_comment_id)
);

CREATE TABLE social_media_conversations (
    id serial PRIMARY KEY,
    account_id integer NOT NULL REFERENCES social_media_accounts (id) ON DELETE CASCADE,
    platform varchar(50) NOT NULL DEFAULT 'tiktok',
    participant_username varchar(255) NOT NULL,
    participant_id varchar(255),
    participant_display_name varchar(255),
    participant_avatar_url text,
    last_message_at timestamp,
    last_message_preview text,
    unread_count integer DEFAULT 0,
    is_muted boolean DEFAULT false,
    is_archived boolean DEFAULT false,
    created_at timestamp DEFAULT now(),
    updated_at timestamp DEFAULT now(),
    UNIQUE (account_id, platform, participant_username)
);

CREATE TABLE social_media_messages (
    id serial PRIMARY KEY,
    conversation_id integer NOT NULL REFERENCES social_media_conversations (id) ON DELETE CASCADE,
    external_message_id varchar(255),
    message_text text NOT NULL,
    message_type varchar(50) DEFAULT 'text',
    media_url text,
    is_outgoing boolean NOT NULL,
    sender_username varchar(255),
    is_read boolean DEFAULT false,
    sent_at timestamp NOT NULL,
    delivered_at timestamp,
    read_at timestamp,
    created_at timestamp DEFAULT now(),
    UNIQUE (conversation_id, external_message_id)
);

CREATE TABLE automation_actions (
    id serial PRIMARY KEY,
    account_id integer REFERENCES social_media_accounts (id),
    platform varchar(50) NOT NULL DEFAULT 'tiktok',
    action_type varchar(50) NOT NULL,
    target_type varchar(50),
    target_id varchar(255),
    target_url text,
    content_text text,
    success boolean DEFAULT true,
    error_message text,
    action_date date DEFAULT current_date,
    created_at timestamp DEFAULT now()
);
