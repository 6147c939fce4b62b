given("of-rgb__timechat_online_25",{"outcomes":"223333213323212333122333","labels":null});
