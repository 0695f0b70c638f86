-- MySQL dump 10.13  Distrib 5.7.44, for Linux (x86_64)
--
-- Host: mysql    Database: crispy_octo_production
-- ------------------------------------------------------
-- Server version	5.7.44

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;

--
-- Table structure for table `active_storage_attachments`
--

DROP TABLE IF EXISTS `active_storage_attachments`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8 */;
CREATE TABLE `active_storage_attachments` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `name` varchar(255) NOT NULL,
  `record_type` varchar(255) NOT NULL,
  `record_id` bigint(20) NOT NULL,
  `blob_id` bigint(20) NOT NULL,
  `created_at` datetime(6) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `index_active_storage_attachments_uniqueness` (`record_type`,`record_id`,`name`,`blob_id`),
  KEY `index_active_storage_attachments_on_blob_id` (`blob_id`),
  CONSTRAINT `fk_rails_c3b3935057` FOREIGN KEY (`blob_id`) REFERENCES `active_storage_blobs` (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb4;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `active_storage_attachments`
--

LOCK TABLES `active_storage_attachments` WRITE;
/*!40000 ALTER TABLE `active_storage_attachments` DISABLE KEYS */;
INSERT INTO `active_storage_attachments` VALUES (1,'cover','Article',8,1,'2024-04-22 08:29:10.114000');
/*!40000 ALTER TABLE `active_storage_attachments` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `active_storage_blobs`
--

DROP TABLE IF EXISTS `active_storage_blobs`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8 */;
CREATE TABLE `active_storage_blobs` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `key` varchar(255) NOT NULL,
  `filename` varchar(255) NOT NULL,
  `content_type` varchar(255) DEFAULT NULL,
  `metadata` text,
  `service_name` varchar(255) NOT NULL,
  `byte_size` bigint(20) NOT NULL,
  `checksum` varchar(255) DEFAULT NULL,
  `created_at` datetime(6) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `index_active_storage_blobs_on_key` (`key`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb4;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `active_storage_blobs`
--

LOCK TABLES `active_storage_blobs` WRITE;
/*!40000 ALTER TABLE `active_storage_blobs` DISABLE KEYS */;
INSERT INTO `active_storage_blobs` VALUES (1,'h2k9w0v7qf3t5n1m8x6c4b2z0lpo','poulpe-grillé \"final\".jpg','image/jpeg','{\"identified\":true,\"analyzed\":true}','local',184213,'Jm9jdG9wdXMtY2hlY2tzdW0=','2024-04-22 08:29:10.101000');
/*!40000 ALTER TABLE `active_storage_blobs` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `ar_internal_metadata`
--

DROP TABLE IF EXISTS `ar_internal_metadata`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8 */;
CREATE TABLE `ar_internal_metadata` (
  `key` varchar(255) NOT NULL,
  `value` varchar(255) DEFAULT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  PRIMARY KEY (`key`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `ar_internal_metadata`
--

LOCK TABLES `ar_internal_metadata` WRITE;
/*!40000 ALTER TABLE `ar_internal_metadata` DISABLE KEYS */;
INSERT INTO `ar_internal_metadata` VALUES ('environment','production','2022-06-10 12:00:03.000000','2022-06-10 12:00:03.000000');
/*!40000 ALTER TABLE `ar_internal_metadata` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `articles`
--

DROP TABLE IF EXISTS `articles`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8 */;
CREATE TABLE `articles` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `title` varchar(255) DEFAULT NULL,
  `body` text,
  `status` varchar(255) DEFAULT 'public',
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `index_articles_on_status` (`status`)
) ENGINE=InnoDB AUTO_INCREMENT=13 DEFAULT CHARSET=utf8mb4;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `articles`
--

LOCK TABLES `articles` WRITE;
/*!40000 ALTER TABLE `articles` DISABLE KEYS */;
INSERT INTO `articles` VALUES (1,'Trois cœurs et beaucoup de patience','Une pieuvre a trois cœurs. Deux poussent le sang à travers les branchies, le troisième l\'envoie partout ailleurs. Quand elle nage, ce troisième cœur s\'arrête presque : voilà pourquoi elle préfère marcher.\r\n\r\nNous avons passé une matinée à plat ventre sur la jetée, au-dessus d\'une flaque grande comme une table. « Ne bougez pas », disait le gardien du port. Au bout de quarante minutes, un caillou a cligné de l\'œil.\r\n\r\nOn apprend peu de choses en regardant une pieuvre pendant une heure, sinon ceci : elle nous regardait depuis le début.','public','2023-03-06 07:45:12.000000','2023-03-06 07:45:12.512000'),(2,'What an arm knows','About two thirds of an octopus\'s neurons are not in its head. They sit in the arms, close to the suckers that taste whatever they touch. An arm can find a crab, judge it and pass it along, and only then tell the rest of the animal.\n\nWe like to say that somebody \"has it in their fingers\": bakers, pianists, people who mend nets. The octopus takes the phrase literally. It doesn\'t decide how to open the jar; it decides *that* the jar will be open, and eight specialists get to work.\n\nThere is a lesson in this for anyone who runs a kitchen. State the wish. Keep your hands off the pan.','public','2023-04-17 08:10:00.000000','2023-04-17 08:10:00.512000'),(3,'La soupe du lundi','Le lundi, les chalutiers ne sortent pas. Il reste les poissons de roche du samedi, ceux que personne n\'achète : trop d\'arêtes, trop petits, trop laids. C\'est exactement ce qu\'il faut.\r\n\r\nFaites suer deux oignons et un fenouil dans l\'huile d\'olive, sans coloration. Ajoutez les poissons entiers, vidés, puis trois tomates, une écorce d\'orange séchée et un brin de sarriette. Mouillez à hauteur. Vingt-cinq minutes à petits bouillons, pas une de plus; au-delà, les arêtes rendent leur amertume.\r\n\r\nPassez au moulin, puis au chinois en pressant fort. La soupe doit napper la cuillère. Servez avec du pain frotté d\'ail, et n\'invitez que des gens qui se resservent.','public','2023-05-22 06:30:41.000000','2023-05-22 06:30:41.512000'),(4,'The tide table is a love letter','Every January the harbour office prints a booklet of 365 pages with nothing in it but numbers. 04:12, 5.8 m. 10:27, 1.1 m. It costs three euros and is the only book here that everybody reads to the end.\n\nSomeone has to promise the sea for a whole year in advance; that is what a tide table does. The moon is on time, the sun is on time, and the coast answers with its own shape: thirty-seven small waves added up, each with a name such as M2 or S2.\n\nIt will be wrong by the height of a hand when the wind blows from the west & the pressure falls. Nobody holds it against the booklet. Promises made in January are allowed a hand\'s breadth.','public','2023-06-19 09:05:33.000000','2023-06-19 09:05:33.512000'),(5,'Aïoli : la querelle de l\'œuf','Il y a deux écoles. La première pile l\'ail avec du gros sel et monte l\'huile goutte à goutte, sans rien d\'autre : c\'est long, ça casse, c\'est magnifique. La seconde ajoute un jaune d\'œuf et va se promener.\r\n\r\nÀ la rédaction, les deux camps ne s\'adressent plus la parole depuis le mois de juin. Un compromis a été proposé (un demi-jaune); il a été refusé à l\'unanimité.\r\n\r\nNotre seul conseil : que tout soit à la même température, l\'huile, le mortier et l\'humeur du cuisinier. Comptez 2 gousses par personne, 100 % d\'huile d\'olive, et prévoyez de ne voir personne le lendemain.','public','2023-09-11 07:20:05.000000','2023-09-11 07:20:05.512000'),(6,'Salt, measured by hand','A pinch is a unit. With three fingers it is close to half a gram, with four almost one, and it travels well: nobody has ever had to leave a pinch at the airport.\n\nSea water holds about 35 grams of salt in a litre. Potatoes boiled in it come out wrinkled and white, as if they had been to the beach, and they need nothing else. Taste the water first; if you wouldn\'t swallow it, don\'t cook in it.\n\nWe weighed the pinches of eleven cooks for this article. They differed by a factor of three. Each of them said \"a normal pinch\".','public','2023-11-13 08:00:00.000000','2023-11-13 08:00:00.512000'),(7,'Le phare qui ne sert plus à rien','Depuis que les bateaux ont le GPS, le phare du bout de la digue ne guide plus personne. On l\'a automatisé, puis on a réduit sa portée : de 24 milles à 12, de 12 à 6. L\'an prochain, dit-on, il sera « décoratif ».\r\n\r\nLes pêcheurs le regardent pourtant tous les soirs. Pas pour savoir où ils sont : pour savoir que quelqu\'un, quelque part, a payé l\'électricité en pensant à eux.\r\n\r\nUne lumière qui ne sert à rien et que l\'on garde allumée : c\'est peut-être la définition la plus courte d\'un journal.','public','2024-02-05 07:50:27.000000','2024-02-05 07:50:27.512000'),(8,'Crisp octopus, in two acts','Act one: tenderness. Freeze the octopus for two days; ice crystals do the work of the fisherman who beats it on the rocks. Then simmer it, barely, in its own water with a bay leaf: 80 to 90 °C, about 50 minutes for 1.5 kg. A skewer should go in as into a ripe pear. Let it cool in the pot, or the skin will leave you.\n\nAct two: the crust. Dry the arms as if they were glasses. A heavy pan, a film of oil, as hot as you dare; press them down for two minutes a side and do not touch them. You want < 1 mm of crust and the noise of rain on a tin roof.\n\nLemon, smoked paprika, nothing else. Crispy Octo takes its name from this plate; now you know what we promise ourselves in every issue: soft inside, and something to bite on. 🐙','public','2024-04-22 08:30:00.000000','2024-04-22 08:30:00.512000'),(9,'Sommaire d\'hiver (à relire entre nous)','Pour la rédaction seulement. Nous gardons trois sujets : les glaces de l\'étang, le fumoir de la rue basse, la lettre d\'une lectrice à propos de l\'aïoli.\r\n\r\nÀ vérifier avant parution : le poids du homard (\"douze livres\", vraiment ?), le nom exact du vent de nord-est, et l\'orthographe de « calamar ».','private','2024-10-07 17:15:00.000000','2024-10-07 17:15:00.512000'),(10,'Notes before the winter issue','Members only, until the first of December. The smokehouse piece is too long by a third and exactly as long as it should be. Somebody will have to choose.\n\nThe pictures live in C:\\photos\\winter, which tells you how long this has been going on; the caption of number 4 ends with \'); and nobody knows why. -- leave it.','private','2024-10-14 18:02:19.000000','2024-10-14 18:02:19.512000'),(11,'Le marché couvert ferme pour travaux','Du 1er octobre au 15 mars, le marché couvert se tient sur le quai nord. Le poissonnier garde sa place près de la fontaine, le fromager la perd et ne décolère pas.\r\n\r\nInformation dépassée : le marché a rouvert, la fontaine est réparée, le fromager est toujours fâché.','archived','2022-09-26 06:55:00.000000','2022-09-26 06:55:00.512000'),(12,'Our first letter','Hello. This is a letter about the sea, the things in it, and what to do with them at half past seven in the evening.\n\nIt will come when it is ready, in English et en français, without pictures of ourselves. If you\'d rather not receive it, say so; we shan\'t ask why.\n\nWe keep this first letter here for the record. It promised a second one \"next week\". It took nine months.','archived','2022-06-13 08:00:00.000000','2022-06-13 08:00:00.512000');
/*!40000 ALTER TABLE `articles` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `schema_migrations`
--

DROP TABLE IF EXISTS `schema_migrations`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8 */;
CREATE TABLE `schema_migrations` (
  `version` varchar(255) NOT NULL,
  PRIMARY KEY (`version`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `schema_migrations`
--

LOCK TABLES `schema_migrations` WRITE;
/*!40000 ALTER TABLE `schema_migrations` DISABLE KEYS */;
INSERT INTO `schema_migrations` VALUES ('20220610115801'),('20220610120644'),('20220611083015'),('20240422081733');
/*!40000 ALTER TABLE `schema_migrations` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `subscribers`
--

DROP TABLE IF EXISTS `subscribers`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8 */;
CREATE TABLE `subscribers` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `email` varchar(255) NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `index_subscribers_on_email` (`email`)
) ENGINE=InnoDB AUTO_INCREMENT=41 DEFAULT CHARSET=utf8mb4;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `subscribers`
--

LOCK TABLES `subscribers` WRITE;
/*!40000 ALTER TABLE `subscribers` DISABLE KEYS */;
INSERT INTO `subscribers` VALUES (1,'ana.petit@example.com','2022-07-06 14:11:36.000000','2022-07-06 14:11:36.000000'),(2,'marek@example.org','2022-07-12 16:41:28.000000','2022-07-12 16:41:28.000000'),(3,'bea.lund@example.net','2022-08-18 19:54:51.000000','2022-08-18 19:54:51.000000'),(4,'camille.r@example.com','2022-08-25 13:15:04.000000','2022-08-25 13:15:04.000000'),(5,'dorothee@example.org','2022-08-30 16:12:31.000000','2022-08-30 16:12:31.000000'),(6,'elio@example.net','2022-09-28 18:36:46.000000','2022-09-28 18:36:46.000000'),(7,'farah.k@example.com','2022-10-07 13:26:13.000000','2022-10-07 13:26:13.000000'),(8,'gustave@example.org','2022-10-14 08:45:20.000000','2022-10-14 08:45:20.000000'),(9,'hana.okoye@example.net','2022-11-01 06:18:00.000000','2022-11-01 06:18:00.000000'),(10,'ines.da-costa@example.com','2022-11-08 02:00:37.000000','2022-11-08 02:00:37.000000');
INSERT INTO `subscribers` VALUES (11,'jonas.w@example.org','2022-12-06 03:42:51.000000','2022-12-06 03:42:51.000000'),(12,'marguerite.example.com','2022-12-11 22:44:45.000000','2022-12-11 22:44:45.000000'),(13,'keziah@example.net','2022-12-23 08:39:11.000000','2022-12-23 08:39:11.000000'),(14,'lucie.martin-test@example.com','2023-01-05 03:07:18.000000','2023-01-05 03:07:18.000000'),(15,'milo@example.org','2023-01-27 22:16:10.000000','2023-01-27 22:16:10.000000'),(16,'nadia.b@example.net','2023-02-11 01:48:47.000000','2023-02-11 01:48:47.000000'),(17,'oscar@example.com','2023-02-26 14:31:53.000000','2023-02-26 14:31:53.000000'),(18,'paloma@example.org','2023-04-05 16:41:29.000000','2023-04-05 16:41:29.000000'),(19,'quentin.v@example.net','2023-04-12 13:49:42.000000','2023-04-12 13:49:42.000000'),(20,'rosa@example.com','2023-05-17 07:59:09.000000','2023-05-17 07:59:09.000000');
INSERT INTO `subscribers` VALUES (21,'salome.g@example.org','2023-06-09 23:53:46.000000','2023-06-09 23:53:46.000000'),(22,'tariq@example.net','2023-07-12 12:15:05.000000','2023-07-12 12:15:05.000000'),(23,'ulla.s@example.com','2023-07-30 18:24:49.000000','2023-07-30 18:24:49.000000'),(24,'vera.n@example.org','2023-08-17 21:13:25.000000','2023-08-17 21:13:25.000000'),(25,'wanda@example.net','2023-09-09 15:09:56.000000','2023-09-09 15:09:56.000000'),(26,'xavier.d@example.com','2023-10-04 06:30:14.000000','2023-10-04 06:30:14.000000'),(27,'yasmine@example.org','2023-10-11 10:32:46.000000','2023-10-11 10:32:46.000000'),(28,'zoe.lambert@example.net','2023-11-09 16:11:34.000000','2023-11-09 16:11:34.000000'),(29,'le.gardien@example.com','2023-12-03 21:24:33.000000','2023-12-03 21:24:33.000000'),(30,'jean@@example.org','2024-01-07 11:48:35.000000','2024-01-07 11:48:35.000000');
INSERT INTO `subscribers` VALUES (31,'cuisine+lundi@example.org','2024-01-15 06:52:11.000000','2024-01-15 06:52:11.000000'),(32,'the.lighthouse@example.net','2024-02-07 18:29:55.000000','2024-02-07 18:29:55.000000'),(33,'marees@example.com','2024-03-04 14:48:26.000000','2024-03-04 14:48:26.000000'),(34,'harbour.office@example.org','2024-04-05 17:10:19.000000','2024-04-05 17:10:19.000000'),(35,'soupe@example.net','2024-04-14 02:23:49.000000','2024-04-14 02:23:49.000000'),(36,'a-table@example.com','2024-04-21 04:29:35.000000','2024-04-21 04:29:35.000000'),(37,'nuit.blanche@example.org','2024-05-14 00:14:18.000000','2024-05-14 00:14:18.000000'),(38,'winter.issue@example.net','2024-06-14 09:58:03.000000','2024-06-14 09:58:03.000000'),(39,'fenouil@example.com','2024-07-11 21:49:04.000000','2024-07-11 21:49:04.000000'),(40,'bay.leaf@example.org','2024-08-13 09:57:14.000000','2024-08-13 09:57:14.000000');
/*!40000 ALTER TABLE `subscribers` ENABLE KEYS */;
UNLOCK TABLES;

/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

-- Dump completed on 2026-10-30 22:14:07
