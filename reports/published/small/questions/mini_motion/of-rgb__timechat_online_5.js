given("of-rgb__timechat_online_5",{"outcomes":"323223233321212333122333","labels":null});
