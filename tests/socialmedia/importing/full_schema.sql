-- MediaPoster's tables after all of its migrations, as far as ORIGINS 2.2 to 2.6 describe them: zone-less times,
-- integer keys, its own constraints.
CREATE TABLE social_media_accounts (
    id serial PRIMARY KEY,
    platform varchar(50) NOT NULL CHECK (platform IN ('tiktok', 'instagram', 'youtube', 'twitter', 'facebook',
                                                      'pinterest', 'bluesky', 'threads', 'linkedin')),
    username varchar(255) NOT NULL,
    display_name varchar(255),
    bio text,
    profile_pic_url text,
    external_id varchar(255),
    is_verified boolean DEFAULT false,
    is_business boolean DEFAULT false,
    is_creator boolean DEFAULT false,
    account_type varchar(50),
    email varchar(255),
    location varchar(255),
    website_url text,
    is_active boolean DEFAULT true,
    is_private boolean DEFAULT false,
    monitoring_enabled boolean DEFAULT true,
    blotato_account_id integer,
    created_at timestamp DEFAULT now(),
    updated_at timestamp DEFAULT now(),
    last_fetched_at timestamp,
    account_created_at timestamp,
    UNIQUE (platform, username)
);

CREATE TABLE social_media_posts (
    id serial PRIMARY KEY,
    account_id integer NOT NULL REFERENCES social_media_accounts (id) ON DELETE CASCADE,
    platform varchar(50) NOT NULL,
    external_post_id varchar(255) NOT NULL,
    post_url text NOT NULL,
    short_code varchar(100),
    caption text,
    description text,
    title varchar(500),
    media_type varchar(50),
    media_count integer DEFAULT 1,
    thumbnail_url text,
    media_url text,
    media_urls jsonb,
    duration integer,
    video_quality varchar(20),
    has_audio boolean DEFAULT true,
    is_short_form boolean DEFAULT false,
    is_pinned boolean DEFAULT false,
    is_ad boolean DEFAULT false,
    is_sponsored boolean DEFAULT false,
    visibility varchar(50) DEFAULT 'public',
    youtube_category varchar(100),
    pinterest_board_id varchar(100),
    twitter_thread_id varchar(100),
    instagram_product_tags jsonb,
    location_name varchar(255),
    location_lat numeric(10, 6),
    location_lng numeric(10, 6),
    posted_at timestamp,
    created_at timestamp DEFAULT now(),
    updated_at timestamp DEFAULT now(),
    deleted_at timestamp,
    raw_data jsonb,
    check_schedule jsonb DEFAULT '[]',
    next_check_at timestamp,
    tracking_complete boolean DEFAULT false,
    tracking_started_at timestamp,
    checks_completed integer DEFAULT 0,
    legacy_score integer,
    UNIQUE (platform, external_post_id)
);

CREATE TABLE social_media_post_analytics (
    id serial PRIMARY KEY,
    post_id integer NOT NULL REFERENCES social_media_posts (id) ON DELETE CASCADE,
    snapshot_date date NOT NULL,
    snapshot_hour integer,
    likes_count bigint DEFAULT 0,
    comments_count bigint DEFAULT 0,
    views_count bigint DEFAULT 0,
    shares_count bigint DEFAULT 0,
    saves_count bigint DEFAULT 0,
    retweets_count bigint DEFAULT 0,
    reactions_count bigint DEFAULT 0,
    repins_count bigint DEFAULT 0,
    impressions bigint DEFAULT 0,
    reach bigint DEFAULT 0,
    watch_time_seconds bigint DEFAULT 0,
    avg_watch_percentage numeric(5, 2) DEFAULT 0,
    completion_rate numeric(5, 2) DEFAULT 0,
    engagement_rate numeric(5, 2) DEFAULT 0,
    viral_score numeric(10, 2) DEFAULT 0,
    created_at timestamp DEFAULT now(),
    UNIQUE (post_id, snapshot_date, snapshot_hour)
);

CREATE TABLE social_media_comments (
    id serial PRIMARY KEY,
    post_id integer NOT NULL REFERENCES social_media_posts (id) ON DELETE CASCADE,
    platform varchar(50) NOT NULL,
    external_comment_id varchar(255) NOT NULL,
    comment_text text,
    author_username varchar(255),
    author_id varchar(255),
    parent_comment_id integer REFERENCES social_media_comments (id),
    is_reply boolean DEFAULT false,
    likes_count integer DEFAULT 0,
    replies_count integer DEFAULT 0,
    is_creator_reply boolean DEFAULT false,
    sentiment varchar(20),
    sentiment_score numeric(3, 2),
    commented_at timestamp,
    created_at timestamp DEFAULT now(),
    UNIQUE (platform, external_comment_id)
);

CREATE TABLE social_media_hashtags (
    id serial PRIMARY KEY,
    hashtag varchar(255) NOT NULL UNIQUE,
    platform varchar(50),
    total_uses bigint DEFAULT 0,
    total_views bigint DEFAULT 0,
    avg_engagement_rate numeric(5, 2) DEFAULT 0,
    created_at timestamp DEFAULT now(),
    updated_at timestamp DEFAULT now()
);

CREATE TABLE social_media_post_hashtags (
    post_id integer REFERENCES social_media_posts (id) ON DELETE CASCADE,
    hashtag_id integer REFERENCES social_media_hashtags (id) ON DELETE CASCADE,
    position integer,
    PRIMARY KEY (post_id, hashtag_id)
);

CREATE TABLE social_media_mentions (
    id serial PRIMARY KEY,
    post_id integer NOT NULL REFERENCES social_media_posts (id) ON DELETE CASCADE,
    mentioned_username varchar(255) NOT NULL,
    platform varchar(50) NOT NULL,
    mention_type varchar(50)
);

CREATE TABLE social_media_analytics_snapshots (
    id serial PRIMARY KEY,
    account_id integer NOT NULL REFERENCES social_media_accounts (id) ON DELETE CASCADE,
    snapshot_date date NOT NULL,
    followers_count integer DEFAULT 0,
    following_count integer DEFAULT 0,
    posts_count integer DEFAULT 0,
    total_likes bigint DEFAULT 0,
    total_comments bigint DEFAULT 0,
    total_views bigint DEFAULT 0,
    total_shares bigint DEFAULT 0,
    total_saves bigint DEFAULT 0,
    total_impressions bigint DEFAULT 0,
    engagement_rate numeric(5, 2) DEFAULT 0,
    avg_likes_per_post numeric(10, 2) DEFAULT 0,
    avg_comments_per_post numeric(10, 2) DEFAULT 0,
    avg_views_per_post numeric(10, 2) DEFAULT 0,
    followers_growth integer DEFAULT 0,
    total_reach bigint DEFAULT 0,
    created_at timestamp DEFAULT now(),
    UNIQUE (account_id, snapshot_date)
);

CREATE TABLE api_usage_tracking (
    id serial PRIMARY KEY,
    provider_name varchar(100) NOT NULL,
    platform varchar(50) NOT NULL,
    endpoint varchar(255) NOT NULL,
    request_count integer DEFAULT 1,
    success boolean DEFAULT true,
    latency_ms integer,
    error_message text,
    date date DEFAULT current_date,
    requested_at timestamp DEFAULT now()
);

CREATE TABLE analytics_fetch_jobs (
    id serial PRIMARY KEY,
    account_id integer NOT NULL REFERENCES social_media_accounts (id) ON DELETE CASCADE,
    job_type varchar(50) NOT NULL,
    status varchar(50) DEFAULT 'pending',
    started_at timestamp,
    completed_at timestamp,
    posts_fetched integer DEFAULT 0,
    error_message text,
    created_at timestamp DEFAULT now()
);

CREATE TABLE system_settings (
    setting_key varchar(100) PRIMARY KEY,
    setting_value jsonb NOT NULL,
    description text,
    updated_at timestamptz DEFAULT now()
);

CREATE TABLE social_media_conversations (
    id serial PRIMARY KEY,
    account_id integer NOT NULL REFERENCES social_media_accounts (id) ON DELETE CASCADE,
    platform varchar(50) NOT NULL DEFAULT 'tiktok',
    participant_username varchar(255) NOT NULL,
    participant_id varchar(255),
    participant_display_name varchar(255),
    participant_avatar_url text,
    participant_verified boolean DEFAULT false,
    last_message_at timestamp,
    last_message_preview text,
    last_message_is_outgoing boolean,
    unread_count integer DEFAULT 0,
    is_muted boolean DEFAULT false,
    is_archived boolean DEFAULT false,
    is_blocked boolean DEFAULT false,
    is_spam boolean DEFAULT false,
    auto_reply_enabled boolean DEFAULT false,
    follow_up_scheduled_at timestamp,
    conversation_started_at timestamp,
    created_at timestamp DEFAULT now(),
    updated_at timestamp DEFAULT now(),
    UNIQUE (account_id, platform, participant_username)
);

CREATE TABLE social_media_messages (
    id serial PRIMARY KEY,
    conversation_id integer NOT NULL REFERENCES social_media_conversations (id) ON DELETE CASCADE,
    external_message_id varchar(255),
    message_text text,
    message_type varchar(50) DEFAULT 'text',
    media_url text,
    media_thumbnail_url text,
    is_outgoing boolean NOT NULL,
    sender_username varchar(255),
    status varchar(50) DEFAULT 'sent',
    is_read boolean DEFAULT false,
    sent_at timestamp NOT NULL,
    delivered_at timestamp,
    read_at timestamp,
    reply_to_message_id integer REFERENCES social_media_messages (id),
    metadata jsonb,
    is_automated boolean DEFAULT false,
    template_used varchar(255),
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
    target_username varchar(255),
    target_url text,
    content_text text,
    success boolean DEFAULT true,
    error_message text,
    error_code varchar(50),
    session_id varchar(255),
    triggered_by varchar(50),
    action_date date DEFAULT current_date,
    action_hour integer DEFAULT extract(hour FROM now()),
    execution_time_ms integer,
    created_at timestamp DEFAULT now()
);

CREATE TABLE message_templates (
    id serial PRIMARY KEY,
    account_id integer REFERENCES social_media_accounts (id) ON DELETE CASCADE,
    name varchar(255) NOT NULL,
    category varchar(100),
    template_text text NOT NULL,
    variables jsonb,
    times_used integer DEFAULT 0,
    last_used_at timestamp,
    is_active boolean DEFAULT true,
    created_at timestamp DEFAULT now(),
    updated_at timestamp DEFAULT now()
);
