given("of-rgb_dense__timechat_online_10",{"outcomes":"211421212121212112211212","labels":null});
