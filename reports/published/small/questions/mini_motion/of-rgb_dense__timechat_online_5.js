given("of-rgb_dense__timechat_online_5",{"outcomes":"221111224144414122442414","labels":null});
