given("of-rgb_dense__timechat_online_25",{"outcomes":"221112222112212212122111","labels":null});
