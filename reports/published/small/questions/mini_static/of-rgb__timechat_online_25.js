given("of-rgb__timechat_online_25",{"outcomes":"332333333332122313231332","labels":null});
