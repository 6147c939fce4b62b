given("of-rgb__videoscan_50",{"outcomes":"321333223333212333332313","labels":null});
