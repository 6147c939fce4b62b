given("of-rgb__videoscan_25",{"outcomes":"321333223333212333332313","labels":null});
